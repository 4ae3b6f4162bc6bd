"""Some weeks of three environments, as a team would have them: the same every time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
from smokegate.history.rows import milliseconds
from smokegate.results import CheckResult, Consequence, Exchange, JudgedRun, Outcome, Timing

from tests.gate.history.histories import History, Mark
from tests.gate.history.runs import BEGIN, run, stamp
from tests.gate.samples import attempt, exchange, result, unmet

DAYS = 31
NOW_S = (BEGIN + timedelta(days=DAYS - 1, hours=15, minutes=20)).timestamp()
TARGETS = {
    "production": "https://api.example.com",
    "staging": "https://staging.example.com",
    "canary": "https://canary.example.com",
}
RUNS_A_DAY = {"production": 4, "staging": 2, "canary": 1}
FALSE_ALARM = "20260131-073000-000079"  # the newest alarm, of production
LATER = "20260131-133000-00007a"  # the next run, which opened the gate


class Check(NamedTuple):
    """A check, and how long it takes as a rule."""

    name: str
    title: str
    usual_s: float

    @property
    def suite(self) -> str:
        """The flows are workflows."""
        return "workflows" if self.name.endswith("_flow") else "health"


class Flaw(NamedTuple):
    """What a check found wrong."""

    check: str
    demand: str
    seen: str
    consequence: Consequence


CHECKS = [
    Check("test_api_server_running", "The service answers and says which version it is.", 0.02),
    Check("test_database_connection", "The service reaches its database.", 0.03),
    Check("test_redis_connection", "The service reaches Redis, where it has one.", 0.02),
    Check("test_ssl_certificate", "The certificate is good and stays so.", 0.05),
    Check("test_security_headers", "Replies tell browsers what they must not do.", 0.03),
    Check("test_api_response_time", "It answers as fast as was promised.", 0.4),
    Check("test_rate_limiting_active", "Who asks too much is held back.", 0.3),
    Check("test_user_registration_flow", "An account can be made, once.", 0.35),
    Check("test_user_login_flow", "A user logs in and out.", 0.45),
    Check("test_lattice_creation_flow", "A lattice is kept as it was sent.", 0.2),
    Check("test_lattice_pathfinding_flow", "Paths are open and as short as can be.", 0.6),
    Check("test_subscription_flow", "A plan can be chosen and given up.", 0.4),
    Check("test_webhook_registration_flow", "Webhooks are delivered and signed.", 0.9),
    Check("test_usage_tracking_flow", "What is used is counted.", 0.5),
]
DATABASE = Flaw(
    "test_database_connection",
    "status is 200",
    "503 'connection to server at \"db\" failed: FATAL: too many connections for role'",
    Consequence.ROLLBACK,
)
LOGIN = Flaw("test_user_login_flow", "the wrong password is refused", "200", Consequence.ROLLBACK)
WEBHOOK = Flaw(
    "test_webhook_registration_flow",
    "a delivery arrives within 10 s",
    "none after 10.0 s",
    Consequence.INVESTIGATE,
)
CLOCK = Flaw(
    "test_ssl_certificate",
    "the certificate is valid",
    "it begins tomorrow, says the runner's clock",
    Consequence.INVESTIGATE,
)
# By environment and the number of the run there.
FLAWS = {
    "production": {37: DATABASE, 38: DATABASE, 69: WEBHOOK, 84: CLOCK, 121: DATABASE},
    "staging": {13: LOGIN, 14: LOGIN, 41: WEBHOOK},
}
SLOW_DAYS = range(13, 17)  # of production


def some_weeks(first_day: int = 0) -> History:
    """A few runs a day, and a deployment every four days of which some went wrong."""
    luck = random.Random(11)
    made = [
        event
        for place, environment in enumerate(TARGETS)
        for event in _events(luck, environment, place, first_day)
    ]
    return [event for _, event in sorted(made, key=lambda each: each[0])]


def _events(
    luck: random.Random, environment: str, place: int, first_day: int
) -> Iterator[tuple[float, JudgedRun | Mark]]:
    """What happened in an environment, each with its hour."""
    each_day = RUNS_A_DAY[environment]
    for number in range(first_day * each_day, DAYS * each_day):
        hour = 24 * number / each_day + 1.5 + place
        day = int(hour // 24)
        version = f"2.{(day + 3) // 4 + 6 + (place > 0)}.0"
        if number % each_day == 0 and day % 4 == 1:
            at_ms = milliseconds(stamp(BEGIN + timedelta(hours=hour, minutes=-12)))
            yield hour - 0.2, Mark(environment, TARGETS[environment], version, at_ms)
        if hour < 24 * DAYS - 9:
            yield hour, _run(luck, environment, hour, version, number)


def _run(
    luck: random.Random, environment: str, hour: float, version: str, number: int
) -> JudgedRun:
    began = BEGIN + timedelta(hours=hour)
    slow = environment == "production" and hour // 24 in SLOW_DAYS
    flaw = FLAWS.get(environment, {}).get(number)
    checks = [_result(each, luck, flaw, 2.4 if slow else 1.0) for each in CHECKS]
    settling = result("settling", suite="run", duration_s=0.03, title="The target is ready.")
    took_s = 1.6 + luck.random() * 0.9 + 3.0 * slow
    return run(
        0,
        *checks,
        settling,
        run_id=f"{began:%Y%m%d-%H%M%S}-{list(TARGETS).index(environment):02x}{number:04x}",
        started_at=stamp(began),
        finished_at=stamp(began + timedelta(seconds=took_s)),
        duration_s=took_s,
        environment=environment,
        target=TARGETS[environment],
        version=version,
    )


def _result(check: Check, luck: random.Random, flaw: Flaw | None, slower: float) -> CheckResult:
    took_s = check.usual_s * luck.lognormvariate(0, 0.25) * slower
    made: dict[str, Any] = {"suite": check.suite, "duration_s": took_s, "title": check.title}
    if check.name == "test_redis_connection":
        return result(check.name, Outcome.SKIPPED, reason="Redis is not configured", **made)
    asked = exchange(
        url=f"https://api.example.com/api/{check.name.split('_')[1]}",
        started_s=luck.random() * 0.8,
        timing=_timing(took_s * 0.7),
    )
    if flaw and flaw.check == check.name:
        return _failed(flaw, msgspec.structs.replace(asked, status=503), made)
    tried = attempt(exchanges=(asked,), outcome=Outcome.PASSED)
    if check.name == WEBHOOK.check and luck.random() < 0.06:
        return result(check.name, Outcome.WARNED, flaky=True, attempts=[tried], **made)
    return result(check.name, attempts=[tried], **made)


def _failed(flaw: Flaw, asked: Exchange, made: dict[str, Any]) -> CheckResult:
    missed = msgspec.structs.replace(unmet(flaw.demand, flaw.consequence, 1), seen=flaw.seen)
    tried = attempt(missed, exchanges=(asked,))
    reason = f"expected that {flaw.demand}; saw {flaw.seen}"
    return result(
        flaw.check, Outcome.FAILED, flaw.consequence, attempts=[tried], reason=reason, **made
    )


def _timing(wait_s: float) -> Timing:
    return Timing(
        dns_s=0.002,
        connect_s=0.01,
        tls_s=0.015,
        wait_s=wait_s,
        receive_s=0.004,
        total_s=wait_s + 0.031,
    )
