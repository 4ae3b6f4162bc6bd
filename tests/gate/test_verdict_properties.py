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

from tests.gate.samples import result, run_of

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
