from __future__ import annotations

from smokegate.reports.causes import cause_of, shared_causes
from smokegate.results import Consequence, Outcome

from tests.gate.reports import parts, runs


def test_one_dead_target_is_one_cause() -> None:
    (shared,) = shared_causes(runs.down())
    assert shared.cause.summary == "connection refused"
    assert len(shared.checks) == 21


def test_checks_blocked_by_one_resource_share_its_cause() -> None:
    shared = next(each for each in shared_causes(runs.rollback()) if len(each.checks) > 1)
    assert {check.outcome for check in shared.checks} == {Outcome.BLOCKED}
    assert shared.cause.summary.startswith("account: POST /api/auth/register: expected")


def test_a_check_that_meets_the_error_itself_joins_those_blocked_by_it() -> None:
    seen = "500 'could not connect to server'"
    met = parts.failed(
        "workflows.test_usage_tracking_flow",
        parts.exchange("GET", "/api/usage", 500),
        "status is 200",
        seen,
    )
    rollback = runs.rollback()
    run = parts.judged(*rollback.checks, met, resources=rollback.resources)
    shared = next(each for each in shared_causes(run) if met in each.checks)
    assert len(shared.checks) == 6


def test_different_demands_on_good_replies_are_different_causes() -> None:
    same = [
        parts.failed(each, parts.exchange(), f"{each} is right", "nothing")
        for each in parts.WORKFLOWS[:3]
    ]
    assert len(shared_causes(parts.judged(*same))) == 3


def test_equal_5xx_replies_are_one_cause_whatever_was_asked() -> None:
    same = [
        parts.failed(
            each, parts.exchange(path=f"/{each}", status=503), "status is 200", "503 'full'"
        )
        for each in parts.WORKFLOWS[:3]
    ]
    (shared,) = shared_causes(parts.judged(*same))
    assert shared.cause.summary == "saw 503 'full'"


def test_an_equal_answer_below_500_stays_apart_by_request() -> None:
    same = [
        parts.failed(each, parts.exchange(path=f"/{each}", status=401), "status is 200", "401")
        for each in parts.WORKFLOWS[:3]
    ]
    assert len(shared_causes(parts.judged(*same))) == 3


def test_what_decided_the_verdict_comes_first() -> None:
    run = runs.investigate()
    assert [each.checks[0].id for each in shared_causes(run)] == [
        "health.test_security_headers",
        "workflows.test_user_login_flow",
    ]


def test_unknown_and_failed_are_never_one_cause() -> None:
    closed = parts.exchange(status=None, trouble="connect_timeout")
    unknown = parts.check(
        parts.HEALTH[0], Outcome.UNKNOWN, parts.attempt(Outcome.UNKNOWN, [closed], reason="why")
    )
    failed = parts.failed(parts.HEALTH[1], closed, "it is answered", "timeout")
    assert len(shared_causes(parts.judged(unknown, failed))) == 2


def test_the_decisive_expectation_comes_first_and_names_the_exchange() -> None:
    first, second = parts.exchange(path="/a"), parts.exchange(path="/b", number=2)
    mild = parts.unmet("a wish", "no", of=first, consequence=Consequence.WARN)
    hard = parts.unmet("a must", "no", of=second)
    one = parts.attempt(Outcome.FAILED, [first, second], mild, hard)
    cause = cause_of(parts.check(parts.HEALTH[0], Outcome.FAILED, one))
    assert [each.demand for each, _ in cause.expectations] == ["a must", "a wish"]
    assert cause.exchange == second


def test_a_flaky_check_is_told_by_the_attempt_that_failed() -> None:
    flaky = next(check for check in runs.proceed().checks if check.flaky)
    trouble = cause_of(flaky).trouble
    assert trouble is not None
    assert trouble.kind == "reset"


def test_a_blocked_check_is_told_even_without_its_run() -> None:
    blocked = next(c for c in runs.down().checks if c.outcome is Outcome.BLOCKED)
    assert cause_of(blocked).summary == "account: POST /api/auth/register: connection refused"


def test_a_deprecated_check_comes_last_among_those_that_did_not_decide() -> None:
    old = parts.failed(
        "workflows.test_usage_v0",
        parts.exchange(),
        "it is there",
        "not",
        deprecated="1.3",
        consequence=Consequence.ROLLBACK,
    )
    run = runs.investigate()
    again = parts.judged(old, *run.checks, only=[old.id, *parts.TITLES])
    assert shared_causes(again)[-1].checks == [old]


def test_the_simplest_request_tells_of_a_shared_cause() -> None:
    post = parts.exchange("POST", "/a", None, trouble="refused")
    get = parts.exchange("GET", "/b", None, trouble="refused")
    blocked = runs.down()
    run = parts.judged(
        parts.failed(parts.WORKFLOWS[1], get, "it is answered", "no"),
        parts.failed(parts.WORKFLOWS[0], post, "it is answered", "no"),
        *blocked.checks[13:],
        resources=blocked.resources,
    )
    (shared,) = shared_causes(run)
    assert shared.cause.exchange == get
    assert shared.checks[0].id == parts.WORKFLOWS[1]
    assert len(shared.checks) == 10
