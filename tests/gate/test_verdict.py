"""The table of verdicts, rule by rule and edge by edge."""

from __future__ import annotations

import msgspec
import pytest
from smokegate.results import (
    Action,
    CheckResult,
    Consequence,
    Outcome,
    ResourceResult,
    Run,
    Thresholds,
    Verdict,
)
from smokegate.verdict import exit_code, judge

from tests.gate.samples import (
    attempt,
    baseline,
    exchange,
    healthy,
    result,
    run_of,
    workflows,
)

PASSED, WARNED, FAILED = Outcome.PASSED, Outcome.WARNED, Outcome.FAILED
BLOCKED, UNKNOWN, SKIPPED = Outcome.BLOCKED, Outcome.UNKNOWN, Outcome.SKIPPED
PROCEED, MONITOR, INCONCLUSIVE, INVESTIGATE, ROLLBACK = Action
C = Consequence


def resource(name: str, *, flaky: bool) -> ResourceResult:
    return ResourceResult(
        name=name,
        outcome=PASSED,
        reason="",
        needed_by=[],
        duration_s=0.1,
        attempts=[],
        exchanges=[],
        flaky=flaky,
    )


def bare(name: str, outcome: Outcome) -> CheckResult:
    """Give a health check that failed, without the consequences of what failed."""
    failed = result(name, outcome, suite="health")
    return msgspec.structs.replace(failed, failed_consequences=[])


TABLE: list[tuple[str, Run, Action, str]] = [
    # Everything passed.
    ("all passed", run_of(healthy(), *workflows(3, 0)), PROCEED, "all-passed"),
    ("warned counts as passed", run_of(healthy(), result("a", WARNED)), PROCEED, "all-passed"),
    ("skipped leaves the count", run_of(healthy(), result("a", SKIPPED)), PROCEED, "all-passed"),
    # A failed check whose consequence is rollback.
    ("health failed", run_of(result("h", FAILED, suite="health")), ROLLBACK, "rollback-failed"),
    ("health blocked", run_of(result("h", BLOCKED, suite="health")), ROLLBACK, "rollback-failed"),
    (
        "workflow marked rollback failed among many",
        run_of(*workflows(20, 0, result("own data", FAILED, C.ROLLBACK))),
        ROLLBACK,
        "rollback-failed",
    ),
    (
        "one expectation marked rollback decides over the share",
        run_of(*workflows(20, 0, result("w", FAILED, C.SHARE, C.ROLLBACK))),
        ROLLBACK,
        "rollback-failed",
    ),
    (
        "a share in a suite without one is a rollback",
        run_of(healthy(), result("h", FAILED, C.SHARE, suite="health")),
        ROLLBACK,
        "rollback-failed",
    ),
    (
        "a failure without expectations of its own has the check's consequence",
        run_of(healthy(), bare("h", FAILED), *workflows(2, 0)),
        ROLLBACK,
        "rollback-failed",
    ),
    (
        "what is blocked likewise",
        run_of(healthy(), bare("h", BLOCKED), *workflows(2, 0)),
        ROLLBACK,
        "rollback-failed",
    ),
    # The share of workflows.
    ("4 of 10", run_of(*workflows(4, 6)), ROLLBACK, "share-rollback"),
    ("49 of 99", run_of(*workflows(49, 50)), ROLLBACK, "share-rollback"),
    ("50%, included", run_of(*workflows(5, 5)), INVESTIGATE, "share-investigate"),
    ("1 of 2", run_of(*workflows(1, 1)), INVESTIGATE, "share-investigate"),
    ("6 of 10", run_of(*workflows(6, 4)), INVESTIGATE, "share-investigate"),
    ("80%, included", run_of(*workflows(8, 2)), INVESTIGATE, "share-investigate"),
    ("4 of 5", run_of(*workflows(4, 1)), INVESTIGATE, "share-investigate"),
    ("9 of 11", run_of(*workflows(9, 2)), MONITOR, "share-monitor"),
    ("9 of 10", run_of(*workflows(9, 1)), MONITOR, "share-monitor"),
    ("0 of 1", run_of(*workflows(0, 1)), ROLLBACK, "share-rollback"),
    (
        "blocked counts against",
        run_of(*workflows(4, 0, *(result(f"b{n}", BLOCKED) for n in range(6)))),
        ROLLBACK,
        "share-rollback",
    ),
    (
        "skipped workflows leave the share",
        run_of(*workflows(9, 1, *(result(f"s{n}", SKIPPED) for n in range(9)))),
        MONITOR,
        "share-monitor",
    ),
    (
        "deprecated workflows leave the share",
        run_of(*workflows(9, 1, *(result(f"d{n}", FAILED, deprecated="1.0") for n in range(9)))),
        MONITOR,
        "share-monitor",
    ),
    (
        "a deprecated health check does not decide",
        run_of(*workflows(3, 0, result("old", FAILED, suite="health", deprecated="1.0"))),
        PROCEED,
        "all-passed",
    ),
    # Consequences of their own.
    (
        "investigate failed",
        run_of(healthy(), result("h", FAILED, C.INVESTIGATE, suite="health")),
        INVESTIGATE,
        "investigate-failed",
    ),
    (
        "monitor failed",
        run_of(healthy(), result("h", FAILED, C.MONITOR, suite="health")),
        MONITOR,
        "monitor-failed",
    ),
    (
        "a workflow that failed with monitor is not in the share as well",
        run_of(*workflows(1, 0, result("w", FAILED, C.MONITOR))),
        MONITOR,
        "monitor-failed",
    ),
    (
        "investigate wins over monitor",
        run_of(
            result("h", FAILED, C.MONITOR, suite="health"),
            result("g", FAILED, C.INVESTIGATE, suite="health"),
        ),
        INVESTIGATE,
        "investigate-failed",
    ),
    (
        "investigate wins over a share of monitor",
        run_of(*workflows(9, 1), result("g", FAILED, C.INVESTIGATE, suite="health")),
        INVESTIGATE,
        "investigate-failed",
    ),
    (
        "too low a share wins over investigate",
        run_of(*workflows(1, 2), result("g", FAILED, C.INVESTIGATE, suite="health")),
        ROLLBACK,
        "share-rollback",
    ),
    # Flaky.
    ("flaky once", run_of(healthy(), result("a", WARNED, flaky=True)), PROCEED, "all-passed"),
    (
        "flaky twice",
        run_of(result("a", WARNED, flaky=True), result("h", WARNED, suite="health", flaky=True)),
        INVESTIGATE,
        "flaky",
    ),
    (
        "one lost connection counts once",
        run_of(
            *(result(f"f{n}", WARNED, flaky=True, lost_connection=7) for n in range(3)), healthy()
        ),
        PROCEED,
        "all-passed",
    ),
    (
        "two lost connections count twice",
        run_of(*(result(f"f{n}", WARNED, flaky=True, lost_connection=n) for n in range(2))),
        INVESTIGATE,
        "flaky",
    ),
    (
        "a lost connection and another cause count twice",
        run_of(result("a", WARNED, flaky=True, lost_connection=0), result("b", WARNED, flaky=True)),
        INVESTIGATE,
        "flaky",
    ),
    (
        "a deprecated check is not flaky",
        run_of(
            result("a", WARNED, flaky=True),
            result("b", WARNED, flaky=True, deprecated="1.0"),
        ),
        PROCEED,
        "all-passed",
    ),
    # Unknown: judged at both ends.
    (
        "unknown, and either way monitor",
        run_of(*workflows(18, 1, result("u", UNKNOWN))),
        MONITOR,
        "share-monitor",
    ),
    (
        "both open: the worse",
        run_of(*workflows(18, 0, result("u", UNKNOWN))),
        MONITOR,
        "share-monitor",
    ),
    (
        "both close: the milder",
        run_of(*workflows(5, 3, result("u", UNKNOWN), result("v", UNKNOWN))),
        INVESTIGATE,
        "share-investigate",
    ),
    (
        "one opens and one closes",
        run_of(healthy(), *workflows(1, 0, result("u", UNKNOWN))),
        INCONCLUSIVE,
        "no-answer",
    ),
    (
        "an unknown health check",
        run_of(result("h", UNKNOWN, suite="health"), *workflows(3, 0)),
        INCONCLUSIVE,
        "no-answer",
    ),
    (
        "a known rollback stays one",
        run_of(result("h", UNKNOWN, suite="health"), result("g", FAILED, suite="health")),
        ROLLBACK,
        "rollback-failed",
    ),
    (
        "an unknown that only warns",
        run_of(healthy(), result("h", UNKNOWN, suite="health", consequence=C.WARN)),
        PROCEED,
        "all-passed",
    ),
    (
        "an unknown deprecated check",
        run_of(healthy(), result("h", UNKNOWN, suite="health", deprecated="1.0")),
        PROCEED,
        "all-passed",
    ),
    (
        "what failed before it became unknown still counts",
        run_of(healthy(), result("h", UNKNOWN, C.INVESTIGATE, suite="health")),
        INVESTIGATE,
        "investigate-failed",
    ),
    # Missing suites.
    (
        "missing suite, the rest fine",
        run_of(*workflows(3, 0), missing=("health",)),
        INCONCLUSIVE,
        "no-answer",
    ),
    (
        "missing suite, the rest rolls back",
        run_of(*workflows(0, 3), missing=("health",)),
        ROLLBACK,
        "share-rollback",
    ),
    (
        "missing suite, the rest to be investigated",
        run_of(*workflows(3, 1), missing=("health",)),
        INVESTIGATE,
        "share-investigate",
    ),
    ("missing both", run_of(missing=("health", "workflows")), INCONCLUSIVE, "nothing-run"),
    # Nothing to go by.
    ("nothing run", run_of(), INCONCLUSIVE, "nothing-run"),
    ("only skipped", run_of(result("a", SKIPPED)), INCONCLUSIVE, "nothing-run"),
    ("only deprecated", run_of(result("a", deprecated="1.0")), INCONCLUSIVE, "nothing-run"),
    (
        "only unknown",
        run_of(result("a", UNKNOWN), result("h", UNKNOWN, suite="health")),
        INCONCLUSIVE,
        "nothing-run",
    ),
    (
        "only unknown, and either way open",
        run_of(result("h", UNKNOWN, suite="health", consequence=C.MONITOR)),
        INCONCLUSIVE,
        "nothing-run",
    ),
    (
        "only unknown, but something had failed before",
        run_of(result("h", UNKNOWN, C.INVESTIGATE, suite="health")),
        INVESTIGATE,
        "investigate-failed",
    ),
    # Interrupted.
    (
        "interrupted",
        run_of(healthy(), *workflows(3, 0), interrupted="SIGTERM"),
        INCONCLUSIVE,
        "interrupted",
    ),
    (
        "interrupted after a failure",
        run_of(result("h", FAILED, suite="health"), interrupted="SIGINT"),
        INCONCLUSIVE,
        "interrupted",
    ),
]


@pytest.mark.parametrize(
    ("run", "action", "rule"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_table(run: Run, action: Action, rule: str) -> None:
    verdict = judge(run)
    assert (verdict.action, verdict.rule) == (action, rule)
    assert verdict.reason, "every verdict has a reason"


@pytest.mark.parametrize(
    ("passed", "failed", "action"),
    [(7, 3, PROCEED), (6, 4, INVESTIGATE), (3, 7, INVESTIGATE), (2, 8, ROLLBACK)],
)
def test_the_thresholds_are_those_of_the_run(passed: int, failed: int, action: Action) -> None:
    thresholds = Thresholds(rollback_below=0.3, monitor_above=0.6)
    run = run_of(*workflows(passed, failed), thresholds=thresholds)
    expected = MONITOR if action is PROCEED else action  # 7 of 10 is not all of them
    assert judge(run).action is expected


@pytest.mark.parametrize("rollback_below", [0.5, 1.0])
def test_no_threshold_is_above_all_workflows(rollback_below: float) -> None:
    thresholds = Thresholds(rollback_below=rollback_below, monitor_above=1.0)
    assert judge(run_of(*workflows(10, 0), thresholds=thresholds)).action is PROCEED


@pytest.mark.parametrize(
    ("action", "plain", "strict"),
    [
        (PROCEED, 0, 0),
        (MONITOR, 0, 5),
        (INVESTIGATE, 10, 10),
        (ROLLBACK, 20, 20),
        (INCONCLUSIVE, 30, 30),
    ],
)
def test_exit_codes(action: Action, plain: int, strict: int) -> None:
    verdict = Verdict(action=action, rule="", reason="", counts=judge(run_of()).counts, deciding=[])
    assert exit_code(verdict, strict=False) == plain
    assert exit_code(verdict, strict=True) == strict


def test_severity_for_merging() -> None:
    assert sorted(Action, key=lambda action: action.severity) == [
        PROCEED,
        MONITOR,
        INCONCLUSIVE,
        INVESTIGATE,
        ROLLBACK,
    ]
    assert [action for action in Action if action.opens_the_gate] == [PROCEED, MONITOR]
    assert sorted(Consequence, key=lambda each: each.severity) == [
        C.WARN,
        C.MONITOR,
        C.INVESTIGATE,
        C.SHARE,
        C.ROLLBACK,
    ]


def test_the_deciding_checks_are_named() -> None:
    verdict = judge(run_of(*workflows(1, 2, result("b", BLOCKED, reason="blocked by account: x"))))
    assert verdict.deciding == ["workflows.bad0", "workflows.bad1", "workflows.b"]
    assert verdict.reason.startswith("1 of 4 workflows passed (25%), below 50%: workflows.bad0: ")
    assert "and 2 more" in verdict.reason


def test_checks_with_one_root_cause_are_told_as_one() -> None:
    blocked = [result(f"b{n}", BLOCKED, reason="blocked by account: refused") for n in range(4)]
    reason = judge(run_of(*blocked)).reason
    assert reason == "0 of 4 workflows passed (0%), below 50%: account: refused"


def test_warnings_are_listed_with_the_word_to_proceed() -> None:
    verdict = judge(run_of(healthy(), result("a", WARNED), result("b", WARNED, deprecated="1")))
    assert verdict.reason == "all 2 checks that apply passed, 1 with warnings: workflows.a"


def test_resources_that_were_flaky_are_among_the_warnings_and_no_others() -> None:
    resources = [resource("account", flaky=True), resource("lattice", flaky=False)]
    verdict = judge(run_of(healthy(), resources=resources))
    assert verdict.reason == "the one check that applies passed, 1 with warnings: account"
    assert verdict.counts.flaky == 1


def test_flaky_resources_are_named_beside_flaky_checks() -> None:
    flaky = result("f", WARNED, flaky=True)
    verdict = judge(run_of(flaky, resources=[resource("account", flaky=True)]))
    assert (verdict.rule, verdict.deciding) == ("flaky", ["workflows.f", "account"])


def test_a_share_in_between_says_which_and_why() -> None:
    assert judge(run_of(*workflows(6, 4))).reason == (
        "6 of 10 workflows passed (60%), not above 80%: workflows.bad0: why bad0 (and 3 more)"
    )


@pytest.mark.parametrize(
    ("count", "reason"),
    [(1, "workflows.u0: why u0"), (2, "workflows.u0: why u0 (and 1 more)")],
)
@pytest.mark.parametrize("known", [True, False])
def test_unknown_names_what_is_unknown(count: int, reason: str, known: bool) -> None:
    unknown = [result(f"u{number}", UNKNOWN) for number in range(count)]
    verdict = judge(run_of(*([healthy()] if known else []), *unknown))
    assert verdict.deciding == [each.id for each in unknown]
    assert verdict.reason == reason


@pytest.mark.parametrize("known", [True, False])
def test_an_unknown_that_does_not_decide_is_not_named(known: bool) -> None:
    old, unknown = result("old", UNKNOWN, deprecated="1.0"), result("u", UNKNOWN)
    verdict = judge(run_of(*([healthy()] if known else []), old, unknown))
    assert (verdict.deciding, verdict.reason) == (["workflows.u"], "workflows.u: why u")


def test_what_is_the_same_at_both_ends_is_told_of_what_is_known() -> None:
    verdict = judge(run_of(*workflows(18, 1, result("u", UNKNOWN))))
    assert verdict.deciding == ["workflows.bad0"]
    assert verdict.reason == "19 of 20 workflows passed (95%): workflows.bad0: why bad0"


@pytest.mark.parametrize(
    ("count", "reason"),
    [(1, "health.h0: why h0"), (2, "health.h0: why h0 (and 1 more)")],
)
def test_a_failure_names_the_first_and_counts_the_rest(count: int, reason: str) -> None:
    failed = [result(f"h{number}", FAILED, suite="health") for number in range(count)]
    assert judge(run_of(healthy(), *failed)).reason == reason


def test_flaky_checks_are_named_and_no_others() -> None:
    flaky = [result(f"f{number}", WARNED, flaky=True) for number in range(2)]
    verdict = judge(run_of(healthy(), result("w", WARNED), *flaky))
    assert verdict.deciding == ["workflows.f0", "workflows.f1"]
    assert verdict.reason == "2 passed only on the second try: workflows.f0, workflows.f1"


def test_a_target_that_is_down_is_the_cause_of_all() -> None:
    run = run_of(*(result(f"h{number}", FAILED, suite="health") for number in range(3)))
    reason = judge(msgspec.structs.replace(run, down="connection refused")).reason
    assert reason == "the whole target is down: connection refused"


def test_missing_suites_are_named() -> None:
    verdict = judge(run_of(*workflows(2, 0), missing=("health",)))
    assert verdict.reason == "no health"
    both = judge(run_of(missing=("health", "workflows")))
    assert both.reason == "no health; no workflows"


def test_missing_suites_are_named_before_what_is_unknown() -> None:
    verdict = judge(run_of(*workflows(2, 0, result("u", UNKNOWN)), missing=("health",)))
    assert verdict.reason == "no health; workflows.u: why u"


def test_partial_is_said_and_changes_nothing_else() -> None:
    whole = judge(run_of(*workflows(9, 1)))
    part = judge(run_of(*workflows(9, 1), partial=True))
    assert not whole.partial
    assert part.partial
    assert part.action is whole.action


def test_counts() -> None:
    counts = judge(
        run_of(
            healthy(),
            result("h", SKIPPED, suite="health"),
            result("w1"),
            result("w2", WARNED, flaky=True),
            result("w3", FAILED),
            result("w4", BLOCKED),
            result("w5", UNKNOWN),
            result("w6", SKIPPED),
            result("w7", FAILED, deprecated="1.0"),
        )
    ).counts
    assert (counts.passed, counts.warned, counts.failed) == (2, 1, 2)
    assert (counts.blocked, counts.unknown, counts.skipped) == (1, 1, 2)
    assert (counts.workflows_passed, counts.workflows_applicable) == (2, 5)
    assert counts.flaky == 1


def test_flaky_incidents() -> None:
    checks = [
        result("a", WARNED, flaky=True, lost_connection=1),
        result("b", WARNED, flaky=True, lost_connection=1),
        result("c", WARNED, flaky=True, lost_connection=2),
        result("d", WARNED, flaky=True),
        result("e", WARNED),
    ]
    assert judge(run_of(*checks)).counts.flaky == 3


def probe(outcome: Outcome, *failed: Consequence) -> list[CheckResult]:
    return [result("sampler", outcome, *failed, suite="run")]


def test_probes_decide_like_checks_and_are_not_counted_among_them() -> None:
    run = run_of(healthy(), *workflows(3, 0), probes=probe(FAILED))
    verdict = judge(run)
    assert (verdict.action, verdict.rule) == (ROLLBACK, "rollback-failed")
    assert verdict.deciding == ["run.sampler"]
    assert (verdict.counts.passed, verdict.counts.failed) == (4, 0)
    mild = judge(run_of(healthy(), probes=probe(FAILED, C.INVESTIGATE)))
    assert mild.action is INVESTIGATE
    assert judge(run_of(healthy(), probes=probe(UNKNOWN))).action is INCONCLUSIVE


def test_the_reason_is_that_of_a_check_where_a_probe_failed_as_well() -> None:
    broken = result("h", FAILED, suite="health", reason="saw 500")
    verdict = judge(run_of(broken, probes=probe(FAILED)))
    assert verdict.reason == "health.h: saw 500 (and 1 more)"
    assert verdict.deciding == ["run.sampler", "health.h"]


def test_a_probe_that_warns_is_listed() -> None:
    verdict = judge(run_of(healthy(), probes=probe(WARNED)))
    assert verdict.reason == "the one check that applies passed, 1 with warnings: run.sampler"


def test_probes_that_pass_are_no_answer() -> None:
    assert judge(run_of(probes=probe(PASSED))).rule == "nothing-run"
    unknown = judge(run_of(result("h", UNKNOWN, suite="health"), probes=probe(PASSED)))
    assert unknown.rule == "nothing-run"
    assert judge(run_of(probes=probe(FAILED))).action is ROLLBACK


def test_a_verdict_names_its_version_and_its_requests() -> None:
    asked = attempt(exchanges=(exchange(),), requests=7)
    run = run_of(result("a", attempts=[asked, asked]), probes=probe(PASSED))
    verdict = judge(run)
    assert (verdict.version, verdict.requests) == ("1.0.0", 14)


def test_what_no_longer_applies_is_to_be_investigated() -> None:
    gone = [result(name, SKIPPED, suite="health") for name in ("redis", "queue")]
    before = baseline(applied=["health.redis", "health.queue", "health.up"])
    verdict = judge(run_of(healthy(), *gone, baseline=before))
    assert (verdict.action, verdict.rule) == (INVESTIGATE, "no-longer-applies")
    assert verdict.deciding == ["health.redis", "health.queue"]
    assert verdict.reason == (
        "applied before the deployment and no longer do: health.redis, health.queue"
    )
    assert judge(run_of(healthy(), *gone, baseline=baseline())).action is PROCEED


@pytest.mark.parametrize(
    ("until", "action"), [("2026-01-02", PROCEED), ("2026-01-01", ROLLBACK), ("", ROLLBACK)]
)
def test_a_quarantine_ends_with_its_day(until: str, action: Action) -> None:
    kept = result("h", FAILED, suite="health", quarantined_until=until)
    verdict = judge(run_of(healthy(), *workflows(3, 0), kept))
    assert verdict.action is action


def test_a_quarantined_workflow_leaves_the_share() -> None:
    kept = result("w", FAILED, quarantined_until="2026-12-01")
    counts = judge(run_of(*workflows(3, 1), kept)).counts
    assert (counts.workflows_passed, counts.workflows_applicable) == (3, 4)
    assert counts.failed == 2
