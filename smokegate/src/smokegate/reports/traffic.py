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
    """Add up the requests of every check, probe and resource."""
    if run.locations:
        return _sum([traffic(each.run) for each in run.locations if each.run], run.duration_s)
    attempts = run.attempts
    kept = [exchange for each in attempts for exchange in each.exchanges]
    connections = {each.connection for each in kept if was_connected(each)}
    requests = sum(each.requests for each in attempts)
    return Traffic(
        requests=requests,
        # What a sample does not keep came on a connection of its own each.
        connections=len(connections) + requests - len(kept),
        sum_s=sum(each.requests_s for each in attempts),
        duration_s=run.duration_s,
    )


def _sum(parts: list[Traffic], duration_s: float) -> Traffic:
    return Traffic(
        requests=sum(part.requests for part in parts),
        connections=sum(part.connections for part in parts),
        sum_s=sum(part.sum_s for part in parts),
        duration_s=duration_s,
    )


def was_connected(exchange: Exchange) -> bool:
    """Whether the target was reached; a refused connection has a number as well."""
    never = exchange.trouble is not None and exchange.trouble.kind in _NEVER_CONNECTED
    return exchange.connection is not None and not never


def slowest(run: Run, number: int = 5) -> list[CheckResult]:
    """Give the checks that took longest, the slowest first."""
    timed = [check for check in run.everything if check.attempts]
    return sorted(timed, key=lambda check: check.duration_s, reverse=True)[:number]
