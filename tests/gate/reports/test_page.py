from __future__ import annotations

import base64
import hashlib
import re

import msgspec
import pytest
from hypothesis import given, settings
from smokegate.reports.page import page
from smokegate.results import (
    CheckResult,
    Expectation,
    JudgedRun,
    MissingSuite,
    Outcome,
    ResourceResult,
)
from smokegate.seal import sealed

from tests.gate.audit.test_page import Parsed
from tests.gate.golden import Golden
from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import TRICKS, is_command, is_harmless, poisoned, texts
from tests.gate.reports.pages import active_parts

ORDINARY_BYTES = 300_000
MOST_BYTES = 2_000_000
HEADER_CHARS = 40
NASTY = "\"'</script><img src=x onerror=alert(1)><!-- \x1b[31m\u202e\u2028\ud800 {{policy}} &amp;"


def shape(text: str) -> list[tuple[str, str | None, bool]]:
    """What a page is built of: its elements without what they say."""
    return [(tag, each.get("class"), "open" in each) for tag, each in Parsed(text).elements]


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_page_reads_as_it_did(name: str, golden: Golden) -> None:
    text = page(runs.RUNS[name]())
    text = re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.DOTALL)
    text = re.sub(r"'sha256-[^']+'", "'sha256-'", text)
    golden(f"{name}/report.html", re.sub(r"><(?!/)", ">\n<", text))


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_verdict_comes_first_and_every_check_is_there(name: str) -> None:
    run = runs.RUNS[name]()
    text = page(run)
    assert text.index(f">{run.verdict.action.name}") < text.index("<main")
    for check in run.everything:
        assert f'id="{check.id}"' in text


def test_what_was_expected_and_seen_stands_before_all_else() -> None:
    text = page(runs.rollback()).partition("<main")[2]
    seen = text.index("too many connections for role")
    assert text.index("status is 200") < seen < text.index("<details", text.index("</details>"))
    assert seen < text.index("What ran when")


def test_one_cause_is_told_once() -> None:
    text = page(runs.down())
    assert text.count("the service is not running") == 1
    assert "21 checks: connection refused" in text


@pytest.mark.parametrize("name", runs.RUNS)
def test_every_link_leads_to_a_place_that_is_there_once(name: str) -> None:
    elements = Parsed(page(runs.RUNS[name]())).elements
    places = [each["id"] for _, each in elements if "id" in each]
    links = {(each.get("href") or "").removeprefix("#") for tag, each in elements if tag == "a"}
    assert len(places) == len(set(places))
    assert links <= set(places)


@pytest.mark.parametrize("name", runs.RUNS)
def test_it_loads_nothing_and_runs_nothing(name: str) -> None:
    text = page(runs.RUNS[name]())
    parsed = Parsed(text)
    style = "".join(parsed.texts["style"])
    assert not re.search(r"url\(|@import|expression|//", style)
    assert list(active_parts(parsed)) == []


def test_its_policy_lets_its_own_style_work_and_nothing_else() -> None:
    text = page(runs.rollback())
    policy = next(a["content"] for _, a in Parsed(text).elements if "http-equiv" in a) or ""
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    own = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "script-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


@pytest.mark.sampled(20)
@pytest.mark.parametrize("text", [NASTY, *TRICKS])
@pytest.mark.parametrize(
    "name", ["rollback", "proceed", "inconclusive", "interrupted", "mitigated"]
)
def test_text_from_outside_stays_text(name: str, text: str) -> None:
    run = runs.RUNS[name]()
    assert shape(page(poisoned(run, text))) == shape(page(poisoned(run, "word")))


@settings(max_examples=40)
@given(texts)
def test_nothing_that_the_target_sent_can_act(text: str) -> None:
    for name in ("rollback", "proceed", "interrupted"):
        shown = page(poisoned(runs.RUNS[name](), text))
        assert is_harmless(shown)
        assert not any(is_command(line) for line in shown.split("\n"))
        assert list(active_parts(Parsed(shown))) == []
        shown.encode("utf-8")  # raises nothing


def test_a_place_in_what_was_sent_is_not_filled_in() -> None:
    assert "{{style}}" in page(poisoned(runs.rollback(), "{{style}}"))


def test_the_same_run_gives_the_same_page() -> None:
    assert page(runs.rollback()) == page(runs.rollback())


def test_the_seal_can_be_compared() -> None:
    run = sealed(runs.rollback(), "")
    assert run.seal is not None
    assert f"{run.seal.short}, not signed" in page(run)
    assert ", signed" in page(sealed(runs.rollback(), "a key"))
    assert "Not sealed" in page(runs.rollback())


def test_leftovers_notes_and_a_missing_suite_are_named() -> None:
    text = page(runs.interrupted())
    assert "account smoketest-4f1c@example.com" in text
    assert "the target serves several versions" in text
    assert "The suite workflows is missing" in page(runs.inconclusive())


def test_a_run_without_any_check_has_a_page() -> None:
    text = page(parts.judged(only=[]))
    assert ">INCONCLUSIVE<" in text
    assert "What ran when" not in text


def test_a_suite_may_have_any_name() -> None:
    missing = [MissingSuite(suite='"><b>x', reason="not found")]
    assert 'The suite "&gt;&lt;b&gt;x is missing' in page(parts.judged(missing_suites=missing))


def test_an_ordinary_run_has_a_small_page() -> None:
    run = crowded(checks=21, asked=12, body='{"a": "b"}' * 60, failing=4)
    assert len(page(run).encode()) < ORDINARY_BYTES


@pytest.mark.sampled(1)
@pytest.mark.parametrize("body", ["&" * 20_000, "\x00" * 20_000, "\U000e0001" * 20_000])
def test_the_worst_run_has_a_page_that_can_be_sent(body: str) -> None:
    text = page(crowded(checks=700, asked=45, body=body, failing=300, said=body[:1_000]))
    assert len(text.encode()) < MOST_BYTES
    assert "found no room here" in text
    assert "100 more found no room on this page" in text


def crowded(*, checks: int, asked: int, body: str, failing: int, said: str = "") -> JudgedRun:
    """A run of many checks with many requests each; some fail, each for a reason of its own."""
    names = [f"health.test_number_{number}" for number in range(checks)]
    made = [
        _busy(number, asked, body, said, Outcome.FAILED if number < failing else Outcome.PASSED)
        for number in range(checks)
    ]
    resources = [
        ResourceResult(
            name=f"thing_{number}",
            outcome=Outcome.PASSED,
            reason="",
            needed_by=names,
            duration_s=1.0,
            attempts=each.attempts,
            exchanges=[],
        )
        for number, each in enumerate(made[-5:])
    ]
    return parts.judged(*made, only=names, resources=resources)


def _busy(number: int, asked: int, body: str, said: str, outcome: Outcome) -> CheckResult:
    headers, curl = [("X-Header", body[:HEADER_CHARS])] * 15, f"curl --data-raw '{body}'"
    exchanges = [
        parts.exchange(
            "POST",
            f"/things/{number}/{each}",
            500 if outcome is Outcome.FAILED else 200,
            number=each,
            body=body,
            reply_body=body,
            started_s=each * 0.015,
            reply_headers=headers,
            curl=curl,
        )
        for each in range(asked)
    ]
    unmet = parts.unmet(f"thing {number} is there {said}", f"500 {said}", of=exchanges[-1])
    held = msgspec.structs.replace(unmet, held=True, demand=f"status is 200 {said}")
    demands: list[Expectation] = [held] * asked
    if outcome is Outcome.FAILED:
        demands += [unmet] * 3
    name = f"health.test_number_{number}"
    return parts.check(name, outcome, parts.attempt(outcome, exchanges, *demands, reason="no"))
