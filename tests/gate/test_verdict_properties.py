"""What holds for the verdict of any run."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st
from smokegate.results import (
    Action,
    CheckResult,
    Consequence,
    JudgedRun,
    Outcome,
    Run,
    from_json,
    to_json,
)
from smokegate.verdict import judge

from tests.gate.samples import baseline, result, run_of

FAILING = (Consequence.MONITOR, Consequence.INVESTIGATE, Consequence.SHARE, Consequence.ROLLBACK)
KNOWN = (Outcome.PASSED, Outcome.WARNED, Outcome.FAILED, Outcome.BLOCKED)
STEPS = {Outcome.PASSED: 0, Outcome.WARNED: 1, Outcome.BLOCKED: 2, Outcome.FAILED: 2}


@st.composite
def checks(draw: st.DrawFn, outcomes: tuple[Outcome, ...] = KNOWN) -> list[CheckResult]:
    """Draw results of both suites, with consequences that their suites allow."""
    drawn = []
    for number in range(draw(st.integers(1, 12))):
        suite = draw(st.sampled_from(("health", "workflows")))
        allowed = [each for each in FAILING if suite == "workflows" or each is not FAILING[2]]
        drawn.append(
            result(
                f"c{number}",
                draw(st.sampled_from(outcomes)),
                suite=suite,
                consequence=draw(st.sampled_from(allowed)),
                deprecated=draw(st.sampled_from(("", "", "", "1.0"))),
            )
        )
    return drawn


def with_outcome(check: CheckResult, outcome: Outcome) -> CheckResult:
    return result(
        check.name,
        outcome,
        suite=check.suite,
        consequence=check.consequence,
        deprecated=check.deprecated,
    )


@given(
    checks(tuple(Outcome)), st.randoms(use_true_random=False), st.sampled_from(((), ("health",)))
)
def test_order_does_not_matter(
    drawn: list[CheckResult], random: Random, missing: tuple[str, ...]
) -> None:
    shuffled = list(drawn)
    random.shuffle(shuffled)
    one, other = judge(run_of(*drawn, missing=missing)), judge(run_of(*shuffled, missing=missing))
    assert (one.action, one.rule, one.counts) == (other.action, other.rule, other.counts)
    assert sorted(one.deciding) == sorted(other.deciding)


@given(checks(), st.integers(0, 11), st.sampled_from(KNOWN))
def test_a_worse_outcome_never_gives_a_milder_verdict(
    drawn: list[CheckResult], at: int, outcome: Outcome
) -> None:
    at %= len(drawn)
    assume(STEPS[drawn[at].outcome] < STEPS[outcome])
    worse = [*drawn[:at], with_outcome(drawn[at], outcome), *drawn[at + 1 :]]
    before, after = judge(run_of(*drawn)).action, judge(run_of(*worse)).action
    assert before.severity <= after.severity


@given(checks(), st.integers(0, 11), st.sampled_from(FAILING))
def test_one_more_failed_expectation_never_gives_a_milder_verdict(
    drawn: list[CheckResult], at: int, consequence: Consequence
) -> None:
    at %= len(drawn)
    check = drawn[at]
    assume(check.suite == "workflows" or consequence is not Consequence.SHARE)
    more = msgspec.structs.replace(
        check,
        outcome=Outcome.FAILED,
        failed_consequences=[*check.failed_consequences, consequence],
    )
    worse = [*drawn[:at], more, *drawn[at + 1 :]]
    assert judge(run_of(*drawn)).action.severity <= judge(run_of(*worse)).action.severity


@given(checks((*KNOWN, Outcome.SKIPPED, Outcome.UNKNOWN)))
def test_unknown_lies_between_its_ends(drawn: list[CheckResult]) -> None:
    unknown = [check for check in drawn if check.outcome is Outcome.UNKNOWN]
    known = [each for each in drawn if each.outcome in KNOWN and not each.deprecated]
    assume(unknown)
    assume(known)

    def end(outcome: Outcome) -> Action:
        checks = [with_outcome(c, outcome) if c in unknown else c for c in drawn]
        return judge(run_of(*checks)).action

    best, worst, verdict = end(Outcome.PASSED), end(Outcome.FAILED), judge(run_of(*drawn)).action
    assert best.severity <= verdict.severity <= worst.severity
    if best.opens_the_gate and not worst.opens_the_gate:
        assert verdict is Action.INCONCLUSIVE
    else:
        assert verdict is (worst if worst.opens_the_gate else best)


@given(checks((*KNOWN, Outcome.SKIPPED, Outcome.UNKNOWN)))
def test_a_missing_suite_never_opens_the_gate_and_never_rolls_back_by_itself(
    drawn: list[CheckResult],
) -> None:
    without, missing = judge(run_of(*drawn)), judge(run_of(*drawn, missing=("health",)))
    assert not missing.action.opens_the_gate
    if without.action in (Action.INVESTIGATE, Action.ROLLBACK):
        assert missing.action is without.action
    else:
        assert missing.action is Action.INCONCLUSIVE


@given(checks(tuple(Outcome)))
def test_only_unknowns_of_our_own_never_roll_back(drawn: list[CheckResult]) -> None:
    failing = (Outcome.FAILED, Outcome.BLOCKED)
    ours = [
        with_outcome(check, Outcome.UNKNOWN) if check.outcome in failing else check
        for check in drawn
    ]
    assert judge(run_of(*ours)).action in (Action.PROCEED, Action.MONITOR, Action.INCONCLUSIVE)


@given(checks(tuple(Outcome)), st.booleans())
def test_the_same_evidence_from_json_gives_the_same_verdict(
    drawn: list[CheckResult], partial: bool
) -> None:
    run = run_of(*drawn, partial=partial)
    verdict = judge(run)
    fields = {name: getattr(run, name) for name in Run.__struct_fields__}
    written = JudgedRun(**fields, verdict=verdict)
    read = from_json(to_json(written))
    assert read == written
    assert judge(read) == verdict


MARKS = ("", "owner", "before", "quarantined")


@st.composite
def runs(draw: st.DrawFn, outcomes: tuple[Outcome, ...] = KNOWN) -> Run:
    """Draw a run whose checks may belong to others, have failed before, or be in quarantine."""
    drawn, before, probes = [], {}, []
    for check in draw(checks(outcomes)):
        mark = draw(st.sampled_from(MARKS))
        if mark == "before":
            before[check.id] = [f"why {check.name}"]
        owner = "Stripe" if mark == "owner" else ""
        until = "2026-01-02" if mark == "quarantined" else ""
        drawn.append(msgspec.structs.replace(check, owner=owner, quarantined_until=until))
    for name in draw(st.sampled_from(((), ("settling",), ("settling", "sampler")))):
        outcome = draw(st.sampled_from(outcomes))
        probes += [result(name, outcome, suite="run")]
    return run_of(*drawn, baseline=baseline(before), probes=probes)


def without_mitigation(run: Run) -> Run:
    checks = [msgspec.structs.replace(check, owner="") for check in run.checks]
    return msgspec.structs.replace(run, checks=checks, baseline=None)


def at(run: Run, place: int, outcome: Outcome) -> Run:
    """The run with another outcome of one of its probes and checks."""
    place %= len(run.everything)
    every = [
        msgspec.structs.replace(
            with_outcome(check, outcome),
            owner=check.owner,
            quarantined_until=check.quarantined_until,
        )
        if number == place
        else check
        for number, check in enumerate(run.everything)
    ]
    first = len(run.probes)
    return msgspec.structs.replace(run, probes=every[:first], checks=every[first:])


def marked(run: Run, place: int, **marks: str) -> tuple[Run, int]:
    """The run with marks on one of its checks, and the place of that among all."""
    place %= len(run.checks)
    checks = list(run.checks)
    checks[place] = msgspec.structs.replace(checks[place], **marks)
    return msgspec.structs.replace(run, checks=checks), len(run.probes) + place


@given(runs(tuple(Outcome)))
def test_a_mitigation_never_makes_a_verdict_worse_nor_opens_the_gate(run: Run) -> None:
    plain, mitigated = judge(without_mitigation(run)), judge(run)
    if mitigated.action is not plain.action:
        assert (plain.action, mitigated.action) == (Action.ROLLBACK, Action.INVESTIGATE)
        assert mitigated.mitigated


@given(runs(), st.integers(0, 20), st.sampled_from(KNOWN))
def test_with_mitigations_a_worse_outcome_never_gives_a_milder_verdict(
    run: Run, place: int, outcome: Outcome
) -> None:
    assume(STEPS[run.everything[place % len(run.everything)].outcome] < STEPS[outcome])
    assume(any(check.decides(run.started_at) for check in run.checks))
    before, after = judge(run).action, judge(at(run, place, outcome)).action
    assert before.severity <= after.severity


@given(runs(), st.integers(0, 20))
def test_a_third_party_alone_never_rolls_back(run: Run, place: int) -> None:
    run, place = marked(run, place, owner="Stripe")
    passed, failed = (
        judge(at(run, place, each)).action for each in (Outcome.PASSED, Outcome.FAILED)
    )
    assume(passed is not Action.ROLLBACK)
    assert failed is not Action.ROLLBACK


@given(runs(tuple(Outcome)), st.integers(0, 20), st.sampled_from(tuple(Outcome)))
def test_a_quarantined_check_decides_nothing(run: Run, place: int, outcome: Outcome) -> None:
    run, place = marked(run, place, quarantined_until="2026-01-02")
    other = at(run, place, outcome)
    one, two = judge(run), judge(other)
    assert (one.action, one.rule, one.reason) == (two.action, two.rule, two.reason)
    assert one.counts.workflows_applicable == two.counts.workflows_applicable


@given(runs((*KNOWN, Outcome.SKIPPED, Outcome.UNKNOWN)), st.integers(0, 20))
def test_with_mitigations_unknown_lies_between_its_ends(run: Run, place: int) -> None:
    decides = [check.decides(run.started_at) for check in run.checks]
    assume(any(decides))
    best, unknown, worst = (
        judge(at(run, place, each)).action
        for each in (Outcome.PASSED, Outcome.UNKNOWN, Outcome.FAILED)
    )
    only = judge(at(run, place, Outcome.UNKNOWN)).rule == "nothing-run"
    assert only or best.severity <= unknown.severity <= worst.severity
