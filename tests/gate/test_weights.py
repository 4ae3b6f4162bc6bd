"""What a failure weighs less for: a third party, and what failed before the deployment too."""

from __future__ import annotations

from smokegate.results import Action, Consequence, Outcome
from smokegate.verdict import judge
from smokegate.weights import excuse

from tests.gate.samples import attempt, baseline, healthy, result, run_of, unmet, workflows

FAILED = Outcome.FAILED
MONITOR, INVESTIGATE, ROLLBACK = Action.MONITOR, Action.INVESTIGATE, Action.ROLLBACK
C = Consequence


def test_what_depends_on_a_third_party_never_rolls_back_alone() -> None:
    stripe = result("pays", FAILED, C.ROLLBACK, owner="Stripe")
    verdict = judge(run_of(healthy(), *workflows(3, 0), stripe))
    assert (verdict.action, verdict.rule) == (INVESTIGATE, "investigate-failed")
    assert [(each.check, each.reason) for each in verdict.mitigated] == [
        ("workflows.pays", "it depends on a third party, Stripe")
    ]
    assert verdict.reason.endswith(
        "no rollback would cure workflows.pays: it depends on a third party, Stripe"
    )


def test_a_third_party_excuses_nobody_else() -> None:
    stripe = result("pays", FAILED, C.ROLLBACK, owner="Stripe")
    verdict = judge(run_of(result("h", FAILED, suite="health"), stripe))
    assert verdict.action is ROLLBACK
    assert verdict.deciding == ["health.h"]
    assert verdict.reason == "health.h: why h"
    assert [each.check for each in verdict.mitigated] == ["workflows.pays"]


def test_one_failed_workflow_of_many_weighs_no_more_for_its_excuse() -> None:
    """Beyond 80% it means monitor; that it failed before too must not close the gate."""
    run = run_of(*workflows(9, 0), result("pays", FAILED, owner="Stripe"))
    verdict = judge(run)
    assert (verdict.action, verdict.mitigated) == (MONITOR, [])


BEFORE = {"health.h": ["why h"]}


def test_what_failed_before_too_is_to_be_investigated() -> None:
    run = run_of(result("h", FAILED, suite="health"), *workflows(3, 0), baseline=baseline(BEFORE))
    verdict = judge(run)
    assert verdict.action is INVESTIGATE
    assert verdict.reason == (
        "health.h: why h; no rollback would cure health.h: "
        "failed before the deployment too (run 20251231-235900-fedcba)"
    )


def test_the_worst_of_what_failed_is_excused_whatever_milder_is_new() -> None:
    tries = [attempt(unmet("old"), unmet("new", C.INVESTIGATE))]
    check = result("h", FAILED, C.INVESTIGATE, C.ROLLBACK, suite="health", attempts=tries)
    verdict = judge(run_of(check, baseline=baseline({"health.h": ["old"]})))
    assert verdict.action is INVESTIGATE
    assert [each.check for each in verdict.mitigated] == ["health.h"]
    worse = judge(run_of(check, baseline=baseline({"health.h": ["new"]})))
    assert (worse.action, worse.mitigated) == (ROLLBACK, [])


def test_what_never_meant_a_rollback_is_not_called_mitigated() -> None:
    mild = result("mild", FAILED, C.INVESTIGATE, owner="Stripe")
    heavy = result("heavy", FAILED, C.ROLLBACK, owner="Stripe")
    assert [each.check for each in judge(run_of(mild, heavy)).mitigated] == ["workflows.heavy"]


def test_what_did_not_fail_needs_no_excuse() -> None:
    passed = result("pays", owner="Stripe")
    assert excuse(passed, run_of(passed, baseline=baseline())) == ""


def test_what_does_not_decide_needs_no_excuse() -> None:
    kept = result("pays", FAILED, C.ROLLBACK, owner="Stripe", quarantined_until="2026-01-02")
    verdict = judge(run_of(result("h", FAILED, suite="health"), kept))
    assert (verdict.action, verdict.mitigated) == (ROLLBACK, [])


def test_what_did_not_fail_before_rolls_back() -> None:
    run = run_of(result("g", FAILED, suite="health"), baseline=baseline(BEFORE))
    assert judge(run).action is ROLLBACK


def test_several_excuses_are_counted() -> None:
    run = run_of(*(result(f"p{n}", FAILED, C.ROLLBACK, owner="Stripe") for n in range(3)))
    assert judge(run).reason.endswith("third party, Stripe (and 2 more)")


def test_excused_workflows_leave_the_share_of_the_failed() -> None:
    failed_before = {f"workflows.bad{n}": [f"why bad{n}"] for n in range(6)}
    run = run_of(*workflows(4, 6), baseline=baseline(failed_before))
    assert judge(run).action is INVESTIGATE
    worse = run_of(*workflows(4, 12), baseline=baseline(failed_before))
    assert judge(worse).action is INVESTIGATE  # 6 new ones of 16
    new = {name: keys for name, keys in failed_before.items() if name > "workflows.bad4"}
    assert judge(run_of(*workflows(4, 6), baseline=baseline(new))).action is INVESTIGATE
    newer = {"workflows.bad5": ["why bad5"]}
    assert judge(run_of(*workflows(2, 8), baseline=baseline(newer))).action is ROLLBACK


def test_nothing_was_deployed_where_the_old_version_is_served_everywhere() -> None:
    run = run_of(result("h", FAILED, suite="health"), stale="0.9.0 in 10 of 10 (100.0%)")
    verdict = judge(run)
    assert verdict.action is INVESTIGATE
    assert verdict.reason.endswith("the expected version is not there: 0.9.0 in 10 of 10 (100.0%)")
    good = judge(run_of(healthy(), stale="0.9.0 in 10 of 10 (100.0%)"))
    assert (good.action, good.mitigated) == (Action.PROCEED, [])
