"""How often does the target fail? Measured on fresh connections, spread over its addresses."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from itertools import cycle

from smokegate.client import Client, Reply
from smokegate.client.incurable import incurable_cause
from smokegate.engine.sampling import HARMFUL_RATE, HARMLESS_RATE, at_least, interval
from smokegate.engine.settling import shares, version_in
from smokegate.expectations import INVESTIGATE, ROLLBACK, expect_all
from smokegate.results import Exchange, Side

# Asked by many at once, a small service would fail because of us: only quick replies bring more.
_AT_FIRST, _AT_MOST = 5, 20
_QUICK_S = 1.0
_ENOUGH_FAILURES = 10
_LONGEST_SAMPLE_S = 30.0
_SERVER_ERROR, _TOO_MANY_REQUESTS = 500, 429


class Sampler:
    """Sends the sample; a work that `Attempts` can make."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses: Iterator[str] = cycle(addresses or [""])
        self._left = 0
        self._workers = 0
        self._ends = 0.0
        self._answered = 0
        self._failed: list[Exchange] = []
        self._untold: list[str] = []
        self._versions: Counter[str] = Counter()
        self._throttled = False

    async def __call__(self, client: Client) -> None:
        """Demand that few requests fail, and that all replies come from one version."""
        self._left = client.settings.sample_requests
        self._ends = _now() + _LONGEST_SAMPLE_S
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_FIRST):
                self._add_worker(client, group)
        client.evidence.keep_only(self._failed)
        for version in self._versions.elements():
            client.saw_version(version)
        self._remark(client)
        if not self._answered:
            client.skip("no request of the sample was answered")
        self._judge_failures(client)
        self._judge_versions(client)

    def _add_worker(self, client: Client, group: asyncio.TaskGroup) -> None:
        self._workers += 1
        group.create_task(self._work(client, group))

    async def _work(self, client: Client, group: asyncio.TaskGroup) -> None:
        settings, is_quick = client.settings, True
        while self._goes_on() and (is_quick or self._workers == 1):
            self._left -= 1
            started = _now()
            reply = await client.ask(
                settings.health_path,
                address=next(self._addresses),
                timeout_s=settings.timeout_s,
                fresh=True,
            )
            self._take(reply, settings.version_field)
            is_quick = _now() - started < _QUICK_S
            if is_quick and self._workers < _AT_MOST:
                self._add_worker(client, group)
        self._workers -= 1

    def _goes_on(self) -> bool:
        is_open = self._left > 0 and len(self._failed) < _ENOUGH_FAILURES and not self._throttled
        return is_open and _now() < self._ends

    def _take(self, reply: Reply, version_field: str) -> None:
        trouble = reply.exchange.trouble
        if reply.status == _TOO_MANY_REQUESTS:
            self._throttled = True
        elif trouble and trouble.side is not Side.TARGET:
            self._untold.append(trouble.summary)
        else:
            self._answered += 1
            if trouble or reply.status >= _SERVER_ERROR:
                self._failed.append(reply.exchange)
            elif version := version_in(reply, version_field):
                self._versions[version] += 1

    def _remark(self, client: Client) -> None:
        size, limit = self._answered, client.settings.sample_failures
        power = at_least(limit, size, HARMFUL_RATE)
        alarms = at_least(limit, size, HARMLESS_RATE)
        remarks = client.evidence.remarks
        remarks.append(
            f"{size} requests on fresh connections; {limit} failures or more are seen with "
            f"{power:.1%} probability if {HARMFUL_RATE:.0%} of all requests fail, and with "
            f"{alarms:.2%} if {HARMLESS_RATE:.1%} do"
        )
        if self._throttled:
            remarks.append("the sample ended early: the target asked to slow down (429)")
        if self._untold:
            remarks.append(f"{len(self._untold)} requests did not get out: {self._untold[0]}")

    def _judge_failures(self, client: Client) -> None:
        failed, size = len(self._failed), self._answered
        low, high = interval(failed, size)
        seen = f"{failed} of {size} ({failed / size:.1%}; 95% interval {low:.1%} to {high:.1%})"
        if self._failed:
            seen += f", first {_said(self._failed[0])}"
        limit = client.settings.sample_failures
        incurable = failed and all(map(incurable_cause, self._failed))
        expect_all(client, or_else=INVESTIGATE if incurable else ROLLBACK).that(
            f"fewer than {limit} requests of the sample fail", failed < limit, seen=seen
        )
        if failed:
            client.warn(f"of {client.settings.health_path} failed {seen}")

    def _judge_versions(self, client: Client) -> None:
        wanted = client.settings.expect_version
        if not self._versions:
            return  # settling demands that a version is told where one is expected
        expect_all(client, or_else=INVESTIGATE).that(
            f"every reply is from version {wanted}" if wanted else "all replies are of one version",
            set(self._versions) == {wanted} if wanted else len(self._versions) == 1,
            seen=shares(self._versions),
        )


def _now() -> float:
    return asyncio.get_running_loop().time()


def _said(exchange: Exchange) -> str:
    return exchange.trouble.summary if exchange.trouble else f"status {exchange.status}"
