"""What several locations see comes to one verdict, by the table."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smokegate.locations.merging import MERGED, merged
from smokegate.results import Action, CheckResult, Consequence, Outcome, ResourceResult, Run
from smokegate.weights import excuse

from smokegate import baseline
from tests.gate.locations.places import NOT_TAKEN, Seen, asked, judged, merged_run
from tests.gate.samples import attempt, healthy, result, run_of, unmet, workflows

WARN, MONITOR, INVESTIGATE, SHARE, ROLLBACK = Consequence
PASSES = [healthy(), *workflows(4, 0)]


def down(*failed: Consequence, **changes: Any) -> list[CheckResult]:
    """The same checks, the first of which failed."""
    return [result("up", Outcome.FAILED, *failed, suite="health", **changes), *workflows(4, 0)]


def unknown() -> list[CheckResult]:
    return [result("up", Outcome.UNKNOWN, suite="health"), *workflows(4, 0)]


@pytest.mark.parametrize(
    ("quorum", "seen", "action"),
    [
        ("all", (PASSES, PASSES, PASSES), Action.PROCEED),
        ("all", (down(), down(), down()), Action.ROLLBACK),
        ("all", (down(), PASSES, PASSES), Action.INVESTIGATE),
        ("all", (down(), down(), PASSES), Action.INVESTIGATE),
        ("majority", (down(), down(), PASSES), Action.ROLLBACK),
        ("majority", (down(), PASSES, PASSES), Action.INVESTIGATE),
        ("majority", (down(), down(), PASSES, PASSES), Action.INVESTIGATE),
        ("2", (down(), down(), PASSES, PASSES), Action.ROLLBACK),
        ("1", (down(), PASSES, PASSES), Action.ROLLBACK),
        # Who does not answer has no say in whose failure it is; one alone is never enough.
        ("all", (down(), down(), None), Action.ROLLBACK),
        ("all", (down(), None, None), Action.INVESTIGATE),
        ("majority", (down(), down(), None), Action.ROLLBACK),
        ("majority", (down(), None, None), Action.INVESTIGATE),
        ("all", (down(), PASSES, None), Action.INVESTIGATE),
        # It is never passed, either.
        ("all", (PASSES, PASSES, None), Action.INCONCLUSIVE),
        ("majority", (PASSES, PASSES, None), Action.INCONCLUSIVE),
        ("1", (PASSES, PASSES, None), Action.INCONCLUSIVE),
        ("all", (PASSES, PASSES, unknown()), Action.INCONCLUSIVE),
        ("all", (None, None, None), Action.INCONCLUSIVE),
        # What is mild is not made worse by being seen from one location.
        ("all", (down(MONITOR), PASSES, PASSES), Action.MONITOR),
        ("all", (down(MONITOR), down(MONITOR), down(MONITOR)), Action.MONITOR),
        ("all", (down(MONITOR), PASSES, None), Action.INCONCLUSIVE),
        # All saw at least that it means investigate, and one that it means more.
        ("all", (down(ROLLBACK), down(INVESTIGATE), down(MONITOR)), Action.INVESTIGATE),
        ("majority", (down(ROLLBACK), down(ROLLBACK), down(MONITOR)), Action.ROLLBACK),
        ("all", (PASSES,), Action.PROCEED),
        ("all", (down(),), Action.ROLLBACK),
    ],
)
def test_the_table(quorum: str, seen: tuple[Seen, ...], action: Action) -> None:
    assert merged_run(*seen, quorum=quorum).verdict.action is action


def test_a_failure_from_one_location_names_it() -> None:
    run = merged_run(PASSES, down(reason="connection refused"), PASSES)
    assert run.verdict.reason == ("health.up: connection refused (from us, of 3 locations)")
    assert run.checks[0].only_from == ["us"]


def test_a_failure_from_all_reads_as_from_one_runner() -> None:
    run = merged_run(down(), down(), down())
    assert (run.verdict.reason, run.checks[0].only_from) == ("health.up: why up", [])


def test_a_failure_from_the_quorum_says_who_saw_it() -> None:
    run = merged_run(down(), down(), PASSES, quorum="majority")
    assert run.checks[0].reason == "why up (from eu and us, of 3 locations)"
    assert run.checks[0].only_from == []


def test_a_location_without_an_answer_is_named_with_its_reason() -> None:
    run = merged_run(PASSES, None, PASSES)
    assert run.verdict.rule == "no-answer"
    assert f"health.up: no answer from us: {NOT_TAKEN}" in run.verdict.reason
    assert run.checks[0].attempts == []
    assert f"no answer from us: {NOT_TAKEN}" in run.notes


def test_the_evidence_is_that_of_the_location_that_saw_it_fail() -> None:
    tried = attempt(unmet("it answers"))
    run = merged_run(PASSES, down(attempts=[tried]), PASSES)
    assert run.checks[0].attempts == [tried]


def test_samples_stay_with_their_locations_and_the_longest_duration_counts() -> None:
    runs = [
        [healthy(), result("fast", samples={"t": [0.1]}, duration_s=duration_s)]
        for duration_s in (0.5, 2.0)
    ]
    check = merged_run(*runs).checks[1]
    assert (check.samples, check.duration_s) == ({}, 2.0)


def test_lost_connections_of_two_locations_are_two_incidents() -> None:
    lost: dict[str, Any] = {"flaky": True, "lost_connection": 3}
    one = [healthy(), result("a", Outcome.WARNED, **lost), result("b"), *workflows(4, 0)]
    other = [healthy(), result("a"), result("b", Outcome.WARNED, **lost), *workflows(4, 0)]
    both = [healthy(), *(result(name, Outcome.WARNED, **lost) for name in "ab"), *workflows(4, 0)]
    assert merged_run(one, other).verdict.counts.flaky == 2
    assert merged_run(both, both).verdict.counts.flaky == 1


def test_what_is_down_or_stale_for_one_location_is_not_so_for_all() -> None:
    there, away = run_of(*down(), down="refused", stale="1.0"), run_of(*PASSES)
    assert (merged_run(there, away).down, merged_run(there, away).stale) == ("", "")
    assert (merged_run(there, there).down, merged_run(there, there).stale) == ("refused", "1.0")


def test_several_versions_are_told() -> None:
    run = merged_run(run_of(*PASSES), run_of(*PASSES, version="2.0.0"), run_of(*PASSES))
    assert run.version == "1.0.0"
    served = "the target serves several versions: 1.0.0 to eu, 2.0.0 to us, 1.0.0 to ap"
    assert served in run.notes


def test_a_suite_that_is_missing_at_one_location_is_missing() -> None:
    run = merged_run(run_of(*PASSES), run_of(*PASSES, missing=("workflows",)))
    assert [each.reason for each in run.missing_suites] == ["no workflows (from us)"]
    assert run.verdict.action is Action.INCONCLUSIVE


def test_a_probe_that_one_location_does_not_make_is_no_gap() -> None:
    probe = result("sample", suite="run")
    there = run_of(*PASSES, probes=[probe])
    assert merged_run(there, run_of(*PASSES)).verdict.action is Action.PROCEED
    assert merged_run(there, None).probes[0].outcome is Outcome.UNKNOWN


def test_a_resource_shows_the_location_where_it_failed() -> None:
    made, failed = (
        ResourceResult(
            name="account",
            outcome=outcome,
            reason=outcome.value,
            needed_by=[],
            duration_s=0.1,
            attempts=[],
            exchanges=[],
        )
        for outcome in (Outcome.PASSED, Outcome.FAILED)
    )
    run = merged_run(run_of(*PASSES, resources=[made]), run_of(*PASSES, resources=[failed]))
    assert [each.outcome for each in run.resources] == [Outcome.FAILED]


def test_leftovers_and_warnings_name_their_location() -> None:
    warned = [result("up", Outcome.WARNED, suite="health", warnings=["slow"])]
    run = merged_run(run_of(*warned, leftovers=["account a"]), [healthy()])
    assert run.leftovers == ["eu: account a"]
    assert run.checks[0].warnings == ["slow (from eu)"]
    assert merged_run(warned, warned).checks[0].warnings == ["slow"]


def test_requests_are_those_of_all_locations() -> None:
    tried = attempt(outcome=Outcome.PASSED, requests=3)
    one = [result("up", suite="health", attempts=[tried])]
    assert merged_run(one, one).verdict.requests == 6


def test_what_failed_from_one_location_before_excuses_nothing_now() -> None:
    failing = down(attempts=[attempt(asserted=True)])
    before = baseline.of(merged_run(failing, PASSES))
    now = msgspec.structs.replace(merged_run(failing, failing), baseline=before)
    assert excuse(now.checks[0], now) == ""
    before = baseline.of(merged_run(failing, failing))
    now = msgspec.structs.replace(merged_run(failing, failing), baseline=before)
    assert "failed before the deployment too" in excuse(now.checks[0], now)


FAILING = (MONITOR, INVESTIGATE, SHARE, ROLLBACK)


@st.composite
def results(draw: st.DrawFn, number: int, suite: str, own: Consequence) -> CheckResult:
    """Draw how a check of a suite ended at one location."""
    outcome = draw(st.sampled_from(list(Outcome)))
    allowed = [each for each in FAILING if suite == "workflows" or each is not SHARE]
    failed: list[Consequence] = []
    if outcome.fails or draw(st.integers(0, 9)) == 0:
        failed = draw(st.lists(st.sampled_from(allowed), max_size=2, unique=True))
    found = result(f"c{number}", outcome, *failed, suite=suite, consequence=own)
    if outcome is Outcome.UNKNOWN and failed:
        worst = max([own, *failed], key=lambda each: each.severity)
        found = msgspec.structs.replace(found, consequence=worst)
    return found


@st.composite
def places(draw: st.DrawFn, fewest: int = 1) -> list[list[CheckResult]]:
    """Draw what up to four locations saw of the same checks."""
    count = draw(st.integers(fewest, 4))
    seen: list[list[CheckResult]] = [[] for _ in range(count)]
    for number in range(draw(st.integers(1, 6))):
        suite = draw(st.sampled_from(("health", "workflows")))
        own = draw(st.sampled_from(FAILING if suite == "workflows" else FAILING[:2] + FAILING[3:]))
        for place in seen:
            place.append(draw(results(number, suite, own)))
    return seen


few = settings(max_examples=50)
quorums = st.sampled_from(("all", "majority", "1"))


@few
@given(places(), st.integers(1, 4), quorums)
def test_what_all_see_alike_is_judged_as_if_one_had_seen_it(
    seen: list[list[CheckResult]], times: int, quorum: str
) -> None:
    alone = judged(run_of(*seen[0]))
    together = merged_run(*[seen[0]] * times, quorum=quorum)
    assert together.verdict.action is alone.verdict.action
    assert together.verdict.counts == alone.verdict.counts


@few
@given(places(2), st.randoms(use_true_random=False), quorums)
def test_the_order_of_the_locations_does_not_matter(
    seen: list[list[CheckResult]], random: Any, quorum: str
) -> None:
    before = merged_run(*seen, quorum=quorum)
    random.shuffle(seen)
    after = merged_run(*seen, quorum=quorum)
    assert before.verdict.action is after.verdict.action
    for one, other in zip(before.checks, after.checks, strict=True):
        assert one.outcome.fails is other.outcome.fails
        assert one.outcome.passes is other.outcome.passes


@few
@given(places(), quorums)
def test_a_location_without_an_answer_never_opens_the_gate(
    seen: list[list[CheckResult]], quorum: str
) -> None:
    with_silent = merged_run(*seen[:3], None, quorum=quorum).verdict.action
    # What means no more than monitor opens the gate whether it failed or not.
    assert with_silent.opens_the_gate <= _may_open(seen[0])
    assert with_silent is not Action.PROCEED


def _may_open(checks: list[CheckResult]) -> bool:
    worst = [
        result(check.name, Outcome.FAILED, check.consequence, suite=check.suite) for check in checks
    ]
    return judged(run_of(*worst)).verdict.action.opens_the_gate


@few
@given(places(2))
def test_what_one_location_alone_sees_never_rolls_back(seen: list[list[CheckResult]]) -> None:
    fine = [result(check.name, suite=check.suite, consequence=MONITOR) for check in seen[0]]
    run = merged_run(seen[0], *[fine] * (len(seen) - 1))
    assert run.verdict.action is not Action.ROLLBACK


@few
@given(places(), st.booleans(), quorums)
def test_what_was_merged_comes_out_the_same_again(
    seen: list[list[CheckResult]], is_silent: bool, quorum: str
) -> None:
    once = merged(asked(*seen[:3], *([None] * is_silent), quorum=quorum))
    again: Run = merged(once)
    for name in MERGED:
        assert getattr(once, name) == getattr(again, name), name
