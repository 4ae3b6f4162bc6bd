from __future__ import annotations

import re

import msgspec
from smokegate.reports.page.waterfall import waterfall
from smokegate.results import JudgedRun, Outcome

from tests.gate.reports import parts, runs


def lanes(run: JudgedRun) -> list[str]:
    return re.findall(r'<a href="#([^"]*)" title', waterfall(run))


def at(name: str, started_s: float, outcome: Outcome = Outcome.PASSED) -> JudgedRun:
    attempt = parts.attempt(outcome, [parts.exchange()], reason="no", started_s=started_s)
    return parts.judged(parts.check(name, outcome, attempt))


def test_there_is_a_lane_for_everything_that_began_in_the_order_it_did() -> None:
    run = at("health.test_cors_headers", 0.5)
    assert lanes(run)[-1] == "health.test_cors_headers"
    assert len(lanes(run)) == len(run.checks)
    assert lanes(runs.rollback()).count("resource.account") == 1


def test_what_never_began_is_named() -> None:
    made = waterfall(runs.rollback()).partition("Never began: ")[2]
    assert made.count("<a ") == 6
    assert "workflows.test_usage_tracking_flow" in made


def test_a_lane_shows_its_tries_and_what_they_were_doing() -> None:
    made = waterfall(runs.proceed())
    for kind in ("try", "try failed", "connect", "wait", "lost failed"):
        assert f'<rect class="{kind}" x=' in made
    assert "without a reply, in a try that did not pass" in made


def test_only_colours_that_there_are_are_explained() -> None:
    assert "without a reply" not in waterfall(at("health.test_cors_headers", 0.1))


def test_a_lane_says_when_and_how_much_in_words() -> None:
    assert "500 ms to 520 ms, 1 request" in waterfall(at("health.test_cors_headers", 0.5))


def test_of_very_many_what_did_not_pass_and_what_took_longest_is_shown() -> None:
    names = [f"health.test_{number}" for number in range(150)]
    checks = [
        parts.check(name, duration_s=float(number)) for number, name in enumerate(names, start=1)
    ]
    failed = parts.attempt(Outcome.FAILED, [parts.exchange()], reason="no")
    checks[0] = msgspec.structs.replace(parts.check(names[0], Outcome.FAILED, failed))
    made = waterfall(parts.judged(*checks, only=names))
    assert made.count(' title="') == 100
    assert 'href="#health.test_0"' in made
    assert 'href="#health.test_1"' not in made
    assert "50 shorter lanes not shown" in made


def test_nothing_is_drawn_where_nothing_began() -> None:
    assert waterfall(parts.judged(only=[])) == ""
