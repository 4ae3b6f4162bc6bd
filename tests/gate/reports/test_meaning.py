"""What a failure weighs: in words, with why it may weigh less."""

from __future__ import annotations

import msgspec
from smokegate.reports.meaning import baseline_in_words, meaning, mitigations_in_words
from smokegate.results import CheckResult, JudgedRun, Mitigation, Outcome

from tests.gate.reports import parts, runs


def of(run: JudgedRun, *names: str) -> list[CheckResult]:
    return [check for check in run.everything if check.id.partition(".test_")[2] in names]


def test_a_failure_that_weighs_less_says_why() -> None:
    run = runs.mitigated()
    assert meaning(of(run, "database_connection"), run) == (
        "investigate before going on, not a rollback; "
        "failed before the deployment too (run 20250131-233000-facade)"
    )
    assert meaning(of(run, "subscription_flow"), run) == (
        "investigate before going on, not a rollback; it depends on a third party, Stripe"
    )


def test_a_failure_in_full_says_what_it_means() -> None:
    run = runs.rollback()
    assert meaning(of(run, "database_connection"), run) == "rollback"
    assert meaning(of(run, "lattice_pathfinding_flow"), run) == (
        "counts against the share of workflows"
    )


def test_an_excuse_that_changed_nothing_is_told_beside_what_it_means() -> None:
    run = runs.monitor()
    assert meaning(of(run, "usage_tracking_flow"), run) == (
        "counts against the share of workflows; it depends on a third party, Stripe"
    )


def test_what_fails_for_several_counts_as_the_worst_of_them() -> None:
    run = runs.mitigated()
    full = parts.check("health.test_it", Outcome.FAILED)
    assert meaning([*of(run, "database_connection"), full], run).startswith("rollback; failed")


def test_what_does_not_decide_means_nothing() -> None:
    run = runs.mitigated()
    assert meaning(of(run, "usage_tracking_flow"), run) == "nothing: it does not decide"
    assert meaning(of(runs.monitor(), "usage_v0"), run) == "nothing: it does not decide"


def test_unknown_is_said() -> None:
    run = runs.inconclusive()
    assert meaning(run.checks, run) == "unknown: the runner could not tell"


def test_a_long_list_of_mitigations_is_cut() -> None:
    run = runs.mitigated()
    assert mitigations_in_words(run) == [
        "health.test_database_connection: failed before the deployment too "
        "(run 20250131-233000-facade)",
        "workflows.test_subscription_flow: it depends on a third party, Stripe",
    ]
    many = [Mitigation(check=f"c{number}", reason="x") for number in range(10)]
    verdict = msgspec.structs.replace(run.verdict, mitigated=many)
    words = mitigations_in_words(msgspec.structs.replace(run, verdict=verdict))
    assert (len(words), words[-1]) == (9, "2 more")
    assert mitigations_in_words(runs.rollback()) == []


def test_the_baseline_is_named() -> None:
    run = runs.mitigated()
    words = (
        "run 20250131-233000-facade of version 1.4.1, 2025-01-31 23:30:00 UTC, rollback, "
        "1 failed in it"
    )
    assert baseline_in_words(run) == words
    assert run.baseline is not None
    old = msgspec.structs.replace(run.baseline, unusable="it is old")
    assert baseline_in_words(msgspec.structs.replace(run, baseline=old)) == (
        f"{words}, not compared with"
    )
    assert baseline_in_words(runs.rollback()) == ""
