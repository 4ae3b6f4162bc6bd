"""What a run asked of the target: requests, connections, and the time they took."""

from __future__ import annotations

from typing import NamedTuple

from smokegate.reports.wording import seconds, several
from smokegate.results import CheckResult, Exchange, Run

_NEVER_CONNECTED = frozenset(
    {"refused", "connect_timeout", "name_missing", "resolver", "unreachable", "local", "proxy"}
)


class Traffic(NamedTuple):
    """The requests of a run; `sum_s` is the time that they took one by one."""

    requests: int
    connections: int
    sum_s: float
    duration_s: float

    def in_words(self) -> str:
        """Compare what was asked with how long the run took."""
        return (
            f"{several(self.requests, 'request')} over {several(self.connections, 'connection')}, "
            f"{seconds(self.sum_s)} of requests in {seconds(self.duration_s)}"
        )


def traffic(run: Run) -> Traffic:
    """Add up the exchanges of every check and every resource."""
    exchanges = exchanges_of(run)
    connections = {each.connection for each in exchanges if was_connected(each)}
    return Traffic(
        requests=len(exchanges),
        connections=len(connections),
        sum_s=sum(each.timing.total_s for each in exchanges),
        duration_s=run.duration_s,
    )


def was_connected(exchange: Exchange) -> bool:
    """Whether the target was reached; a refused connection has a number as well."""
    never = exchange.trouble is not None and exchange.trouble.kind in _NEVER_CONNECTED
    return exchange.connection is not None and not never


def exchanges_of(run: Run) -> list[Exchange]:
    """Give every exchange of a run."""
    attempts = [attempt for check in run.checks for attempt in check.attempts]
    of_resources = [exchange for each in run.resources for exchange in each.exchanges]
    return [exchange for attempt in attempts for exchange in attempt.exchanges] + of_resources


def slowest(run: Run, number: int = 5) -> list[CheckResult]:
    """Give the checks that took longest, the slowest first."""
    timed = [check for check in run.checks if check.attempts]
    return sorted(timed, key=lambda check: check.duration_s, reverse=True)[:number]
