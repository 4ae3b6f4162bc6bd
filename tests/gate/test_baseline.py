"""Which failures are the same as before, and which baselines can be compared with."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from smokegate.baseline import (
    compared,
    failed_before,
    failures,
    incomparable_suites,
    no_longer_applying,
    notes,
    of,
)
from smokegate.client.whose import describe
from smokegate.results import (
    Attempt,
    CheckResult,
    Consequence,
    Exchange,
    JudgedRun,
    Outcome,
    ResourceResult,
    Run,
)
from smokegate.verdict import judge

from tests.gate.samples import attempt, baseline, exchange, result, run_of, unmet

FAILED = Outcome.FAILED
ROLLBACK, INVESTIGATE = Consequence.ROLLBACK, Consequence.INVESTIGATE
NOW = "2026-01-01T12:00:00.000Z"


def failed(demand: str, asked: Exchange | None = None, **changes: Any) -> CheckResult:
    expectation = unmet(demand, exchange=asked.number if asked else None)
    one = attempt(expectation, exchanges=(asked,) if asked else ())
    return result("h", FAILED, suite="health", attempts=[one], **changes)


def keys(check: CheckResult) -> set[str]:
    return set().union(*failures(check, []).values())


def judged(run: Run) -> JudgedRun:
    fields = {name: getattr(run, name) for name in Run.__struct_fields__}
    return JudgedRun(**fields, verdict=judge(run))


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/things", "/things"),
        ("", "/"),
        ("/api/v1/things/17/parts/3", "/api/v1/things/*/parts/*"),
        ("/things/0a6f6d3e-0f43-4a2c-9f7e-6b0d2f7b2c11", "/things/*"),
        ("/things/0A6F6D3E-0F43-4A2C-9F7E-6B0D2F7B2C11", "/things/*"),
        ("/things/smoke-8f14e45fceea", "/things/smoke-*"),
        ("/users/20260101-000000-abcdef", "/users/*"),
        ("/things?page=2&q=a", "/things?page=*&q=a"),
        ("/deadbeef/facade", "/deadbeef/facade"),
    ],
)
def test_paths_are_the_same_whatever_their_identifiers(path: str, template: str) -> None:
    asked = exchange(url=f"https://api.example.com{path}")
    assert keys(failed("status is 200", asked)) == {f"GET {template}: status is 200"}


@pytest.mark.parametrize(
    ("demand", "key"),
    [
        ("name is 'smoke-8f14e45fceea'", "name is 'smoke-*'"),
        ("status is 401", "status is 401"),
        ("count is 3", "count is 3"),
        ("the run is 20260101-000000-abcdef", "the run is *"),
    ],
)
def test_what_is_made_up_anew_is_left_out_of_a_demand_and_its_numbers_stay(
    demand: str, key: str
) -> None:
    assert keys(failed(demand)) == {key}


def test_the_kind_of_trouble_tells_failures_apart() -> None:
    one, other = (
        keys(failed("it is answered", exchange(status=None, trouble=describe(kind, ""))))
        for kind in ("refused", "reset")
    )
    assert one == {"GET /things?page=*: it is answered (refused)"}
    assert one != other


def test_methods_tell_failures_apart() -> None:
    asked = exchange(method="POST", url="https://api.example.com/x")
    assert keys(failed("status is 200", asked)) == {"POST /x: status is 200"}


def test_a_demand_on_no_reply_is_known_by_its_words_alone() -> None:
    one = attempt(unmet("all are there"), exchanges=(exchange(),))
    assert keys(result("h", FAILED, suite="health", attempts=[one])) == {"all are there"}


def test_failures_are_told_by_what_they_mean() -> None:
    one = attempt(unmet("a"), unmet("b", INVESTIGATE), unmet("c", Consequence.WARN))
    check = result("h", FAILED, INVESTIGATE, ROLLBACK, suite="health", attempts=[one])
    assert failures(check, []) == {ROLLBACK: {"a"}, INVESTIGATE: {"b"}}


def test_the_attempt_that_decided_is_looked_at() -> None:
    tries = [attempt(unmet("first")), attempt(unmet("second"), number=2)]
    assert keys(result("h", FAILED, ROLLBACK, suite="health", attempts=tries)) == {"second"}
    tries = [attempt(unmet("first")), attempt(outcome=Outcome.SKIPPED, number=2)]
    assert keys(result("h", FAILED, ROLLBACK, suite="health", attempts=tries)) == {"first"}


def test_of_what_stayed_unknown_the_last_attempt_is_looked_at() -> None:
    tries = [attempt(unmet("first")), attempt(unmet("second"), outcome=Outcome.UNKNOWN, number=2)]
    check = result("h", Outcome.UNKNOWN, ROLLBACK, suite="health", attempts=tries)
    assert keys(check) == {"second"}


def test_what_held_is_no_failure() -> None:
    held = msgspec.structs.replace(unmet("held"), held=True)
    check = result("h", FAILED, suite="health", attempts=[attempt(held, unmet("failed"))])
    assert keys(check) == {"failed"}


def test_a_plain_assert_is_known_by_its_words_and_its_place() -> None:
    frames = '  File "/a/b/test_it.py", line 88, in test_h\n    assert x == 3\nAssertionError\n'
    one = attempt(reason="saw 17 of 3", traceback=frames)
    check = result("h", FAILED, suite="health", attempts=[one])
    assert keys(check) == {"saw * of * (test_it.py:88)"}


def test_an_assert_behind_a_mild_failure_has_a_key_of_its_own() -> None:
    one = attempt(unmet("mild", INVESTIGATE), reason="no tail")
    check = result("h", FAILED, INVESTIGATE, ROLLBACK, suite="health", attempts=[one])
    assert failures(check, []) == {ROLLBACK: {"no tail"}, INVESTIGATE: {"mild"}}


def test_an_assert_beside_a_recorded_failure_has_a_key_of_its_own() -> None:
    """Or a new failure would be excused by the old one that came with it."""
    one = attempt(unmet("status is 200"), reason="no tail", asserted=True)
    check = result("h", FAILED, suite="health", attempts=[one])
    assert failures(check, []) == {ROLLBACK: {"status is 200", "no tail"}}
    alone = msgspec.structs.replace(check, attempts=[attempt(unmet("status is 200"))])
    before = {"health.h": sorted(failures(alone, [])[ROLLBACK])}
    assert failed_before(alone, before["health.h"], run_after(alone, before))
    assert not failed_before(check, failures(check, [])[ROLLBACK], run_after(check, before))


def test_what_passed_has_no_failures() -> None:
    assert failures(result("h", suite="health"), []) == {}


def broken(name: str, *attempts: Attempt, reason: str = "why") -> ResourceResult:
    return ResourceResult(
        name=name,
        outcome=FAILED,
        reason=reason,
        needed_by=[],
        duration_s=0.1,
        attempts=list(attempts),
        exchanges=[],
    )


def test_what_is_blocked_failed_as_its_resource_did() -> None:
    other = broken("lattice", attempt(unmet("status is 200")))
    root = broken("account", attempt(unmet("status is 201"), unmet("it is fast", Consequence.WARN)))
    check = result("w", Outcome.BLOCKED, blocked_by="account")
    assert failures(check, [other, root]) == {Consequence.SHARE: {"status is 201"}}
    assert failures(failed("a"), [other, root]) == {ROLLBACK: {"a"}}


def test_a_resource_that_was_never_tried_failed_for_its_reason() -> None:
    check = result("w", Outcome.BLOCKED, blocked_by="account", reason="blocked by account: no")
    root = broken("account", reason="none of 3 is there")
    assert failures(check, [root]) == {Consequence.SHARE: {"none of * is there"}}


def run_after(check: CheckResult, before: dict[str, list[str]], **changes: Any) -> Run:
    return run_of(check, baseline=baseline(before, **changes))


def test_each_failure_must_have_been_there_before() -> None:
    check = failed("a")
    run = run_after(check, {"health.h": ["a", "b"]})
    assert failed_before(check, ["a"], run)
    assert failed_before(check, ["a", "b"], run)
    assert not failed_before(check, ["a", "c"], run)
    assert not failed_before(result("g", FAILED, suite="health"), ["a"], run)


@pytest.mark.parametrize(
    "changes",
    [{"unusable": "it is old"}, {"suites": {"health": "other"}}, {"suites": {}}],
)
def test_a_baseline_that_cannot_be_compared_excuses_nothing(changes: dict[str, Any]) -> None:
    check = failed("a")
    assert not failed_before(check, ["a"], run_after(check, {"health.h": ["a"]}, **changes))


def test_a_run_whose_suites_are_not_known_excuses_nothing() -> None:
    check = failed("a")
    run = run_of(check, baseline=baseline({"health.h": ["a"]}, suites={"health": ""}))
    run = msgspec.structs.replace(run, suites={"health": ""})
    assert not failed_before(check, ["a"], run)
    assert not failed_before(check, ["a"], run_of(check))


def test_changed_suites_are_named() -> None:
    other = baseline(suites={"health": "other", "workflows": "w1"})
    run = run_of(result("h", suite="health"), result("w"), baseline=other)
    assert incomparable_suites(run) == ["health"]
    assert incomparable_suites(run_of(result("w"))) == []
    unusable = msgspec.structs.replace(other, unusable="it is old")
    assert incomparable_suites(msgspec.structs.replace(run, baseline=unusable)) == []


def test_what_is_not_compared_is_noted() -> None:
    run = run_of(result("h", suite="health"), result("w"))
    other = baseline(suites={"health": "other", "workflows": "w1"})
    unusable = msgspec.structs.replace(other, unusable="it is old")
    assert [
        notes(msgspec.structs.replace(run, baseline=before))
        for before in (None, baseline(), other, unusable)
    ] == [
        [],
        [],
        [
            "health has changed since baseline 20251231-235900-fedcba: "
            "what failed in it before is not known"
        ],
        ["baseline 20251231-235900-fedcba is not compared with: it is old"],
    ]


def test_what_applied_and_is_skipped_no_longer_applies() -> None:
    skipped = result("h", Outcome.SKIPPED, suite="health")
    before = baseline(applied=["health.h"])
    assert no_longer_applying(run_of(skipped, baseline=before)) == ["health.h"]
    assert no_longer_applying(run_of(result("h", suite="health"), baseline=before)) == []
    for mark in ({"deprecated": "1.0"}, {"quarantined_until": "2026-01-02"}):
        kept = msgspec.structs.replace(skipped, **mark)
        assert no_longer_applying(run_of(kept, baseline=before)) == []
    changed = baseline(applied=["health.h"], suites={"health": "other"})
    assert no_longer_applying(run_of(skipped, baseline=changed)) == ["health.h"]


def test_a_baseline_holds_what_failed_and_what_applied() -> None:
    control = judged(
        run_of(
            failed("a"),
            result("w", Outcome.WARNED),
            result("s", Outcome.SKIPPED),
            result("u", Outcome.UNKNOWN),
            result("b", Outcome.BLOCKED, reason="blocked by account: no"),
            probes=[result("sampler", FAILED, suite="run", reason="3 of 200")],
        )
    )
    before = of(control)
    assert before.failed == {
        "health.h": ["a"],
        "workflows.b": ["blocked by account: no"],
        "run.sampler": ["* of *"],
    }
    assert before.applied == ["health.h", "workflows.w"]
    assert (before.run_id, before.version) == (control.run_id, "1.0.0")
    assert before.action is control.verdict.action


def test_what_failed_is_written_in_the_same_order_every_time() -> None:
    one = attempt(*(unmet(each) for each in "dafbec"))
    control = judged(run_of(result("h", FAILED, suite="health", attempts=[one])))
    assert of(control).failed == {"health.h": list("abcdef")}


def why(control: Run, *, target: str = "https://api.example.com", at: str = NOW) -> str:
    return compared(judged(control), target=target, moment=at, max_age_s=86_400.0).unusable


def test_a_whole_and_recent_run_of_the_same_target_is_usable() -> None:
    assert why(run_of(result("w"))) == ""


@pytest.mark.parametrize(
    "at", ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.500Z", "2026-01-02T00:00:00.000Z"]
)
def test_a_baseline_is_of_use_from_its_moment_to_the_end_of_its_age(at: str) -> None:
    assert why(run_of(result("w"), started_at="2026-01-01T00:00:00.000Z"), at=at) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"partial": True}, "it covers only a part of the checks"),
        ({"interrupted": "SIGTERM"}, "it was interrupted by SIGTERM"),
        (
            {"target": "https://other.example.com"},
            "it is of another target, https://other.example.com",
        ),
        (
            {"started_at": "2025-12-31T11:59:59.999Z"},
            "it is 86400 s old; baseline_max_age_s is 86400",
        ),
        (
            {"started_at": "2026-01-01T12:00:01.000Z"},
            "it began after this run, by this machine's clock",
        ),
        ({"started_at": "yesterday"}, "it does not say when it began: 'yesterday'"),
        ({"started_at": "2026-01-01"}, "it does not say when it began: '2026-01-01'"),
    ],
)
def test_why_a_baseline_is_of_no_use_is_said(changes: dict[str, Any], words: str) -> None:
    assert words == why(msgspec.structs.replace(run_of(result("w")), **changes))
