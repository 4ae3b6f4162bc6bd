"""How often does the target fail? Measured on fresh connections, spread over its addresses."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import cycle, product

from smokegate.client import Client, Reply
from smokegate.client.evidence import request_in_words
from smokegate.client.incurable import incurable_cause
from smokegate.engine.sampling import (
    HARMFUL_RATE,
    HARMLESS_RATE,
    at_least,
    interval,
    telling_failures,
)
from smokegate.engine.settling import is_one_version, shares, version_in
from smokegate.expectations import INVESTIGATE, ROLLBACK, expect_all
from smokegate.results import Exchange, Side
from smokegate.settings import Settings

# Asked by many at once, a small service would fail because of us: only quick replies bring more.
_AT_FIRST, _AT_MOST = 5, 20
_QUICK_S = 1.0
_PACED_S = 0.1
_THROTTLED_S = 1.0
_ENOUGH_FAILURES = 10
_LONGEST_SAMPLE_S = 30.0
_SERVER_ERROR, _TOO_MANY_REQUESTS, _UNAVAILABLE = 500, 429, 503
_DROPPED = frozenset({"refused", "reset", "empty"})


class Sampler:
    """Sends the sample and judges it; a work that `Attempts` can make.

    What limits rates answers 503, or drops connections, because of the sample itself: one that
    failed in no other way is taken again slowly, and that one counts. So is one to which nothing
    was answered but 429.
    """

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses or [""]

    async def __call__(self, client: Client) -> None:
        """Demand that few requests fail, and that all replies come from one version."""
        sample = Sample(client, self._addresses, at_most=_AT_MOST)
        await sample.send()
        if sample.may_have_been_too_fast or sample.is_refused:
            client.evidence.remarks.append(
                f"asked by many at once, {sample.in_words()}; asked again, one at a time"
            )
            sample = Sample(client, self._addresses, at_most=1)
            await sample.send()
        _judge(client, sample)


class Sample:
    """Requests on connections of their own, spread over addresses and paths: what came of them."""

    def __init__(self, client: Client, addresses: list[str], *, at_most: int) -> None:
        settings = client.settings
        self._client = client
        self._at_most = at_most
        self._targets = cycle(product(_paths(settings), addresses))
        self._left = settings.sample_requests
        self._workers = 0
        self._ends = self._not_before = 0.0
        self.answered = 0
        self.failed: list[Exchange] = []
        self.not_out: list[str] = []
        self.versions: Counter[str] = Counter()
        self.was_throttled = False

    @property
    def limit(self) -> int:
        """So many failures are too many, in a sample that may have been cut short."""
        settings = self._client.settings
        return telling_failures(self.answered, settings.sample_failures, settings.sample_requests)

    @property
    def fails(self) -> bool:
        """Whether too many requests failed."""
        return bool(self.answered) and len(self.failed) >= self.limit

    @property
    def may_have_been_too_fast(self) -> bool:
        """Whether it failed, and only in ways in which a limit on the rate shows itself."""
        return self.fails and all(map(_could_be_a_limit, self.failed))

    @property
    def is_refused(self) -> bool:
        """Whether nothing was answered but that there were too many requests."""
        return self.was_throttled and not self.answered

    def in_words(self) -> str:
        """How many failed, what rates that leaves possible, and how."""
        failed, size = len(self.failed), self.answered
        if not size:
            return "none was answered"
        low, high = interval(failed, size)
        words = (
            f"{failed} of {size} failed ({failed / size:.1%}; 95% interval {low:.1%} to {high:.1%})"
        )
        return f"{words}, first {_said(self.failed[0])}" if self.failed else words

    async def send(self) -> None:
        """Send until there are enough, or more would say nothing new; keep those that failed."""
        self._ends = _now() + _LONGEST_SAMPLE_S
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_AT_FIRST, self._at_most)):
                self._add_worker(group)

    def _add_worker(self, group: asyncio.TaskGroup) -> None:
        self._workers += 1
        group.create_task(self._work(group))

    async def _work(self, group: asyncio.TaskGroup) -> None:
        is_quick = True
        while self._goes_on() and (is_quick or self._workers == 1):
            self._left -= 1
            started = _now()
            await self._ask()
            is_quick = _now() - started < _QUICK_S
            if self._at_most == 1 and self._goes_on():
                next_at = max(started + _PACED_S, self._not_before)
                await asyncio.sleep(max(0.0, next_at - _now()))
            elif is_quick and self._workers < self._at_most:
                self._add_worker(group)
        self._workers -= 1

    def _goes_on(self) -> bool:
        enough = max(_ENOUGH_FAILURES, self._client.settings.sample_failures)
        is_open = self._left > 0 and len(self.failed) < enough
        # One at a time, it waits as it is asked to.
        ends = self.was_throttled and self._at_most > 1
        return is_open and not ends and max(_now(), self._not_before) < self._ends

    async def _ask(self) -> None:
        client, (path, address) = self._client, next(self._targets)
        timeout_s = client.settings.timeout_s
        reply = await client.ask(path, address=address, timeout_s=timeout_s, fresh=True)
        self._take(reply, tells_version=path == _version_path(client.settings))
        client.evidence.keep_only(self.failed)

    def _take(self, reply: Reply, *, tells_version: bool) -> None:
        trouble = reply.exchange.trouble
        if reply.status == _TOO_MANY_REQUESTS:
            self.was_throttled = True
            pause_s = reply.retry_after_s or _THROTTLED_S
            self._not_before = _now() + pause_s
            if self._goes_on():
                self._client.session.announce_wait(request_in_words(reply.exchange), pause_s)
        elif trouble and trouble.side is not Side.TARGET:
            self.not_out.append(trouble.summary)
        else:
            self.answered += 1
            if trouble or reply.status >= _SERVER_ERROR:
                self.failed.append(reply.exchange)
            elif tells_version:
                self.versions[version_in(reply, self._client.settings.version_field)] += 1


def _could_be_a_limit(failed: Exchange) -> bool:
    dropped = failed.trouble is not None and failed.trouble.kind in _DROPPED
    return dropped or failed.status == _UNAVAILABLE


def _paths(settings: Settings) -> list[str]:
    return list(dict.fromkeys([settings.health_path, *settings.sample_paths]))


def _version_path(settings: Settings) -> str:
    return settings.version_path or settings.health_path


def _judge(client: Client, sample: Sample) -> None:
    _remark(client, sample)
    for version in sample.versions.elements():
        if version:
            client.saw_version(version)
    if not sample.answered:
        client.evidence.cannot_tell(
            "no request of the sample was answered: "
            + (sample.not_out[0] if sample.not_out else "throttled (429)")
        )
    _judge_failures(client, sample)
    _judge_versions(client, sample.versions)


def _remark(client: Client, sample: Sample) -> None:
    size, limit = sample.answered, sample.limit
    power = at_least(limit, size, HARMFUL_RATE)
    alarms = at_least(limit, size, HARMLESS_RATE)
    client.evidence.remarks.append(
        f"{size} requests on fresh connections; {limit} failures or more are seen with "
        f"{power:.1%} probability if {HARMFUL_RATE:.0%} of all requests fail, and with "
        f"{alarms:.2%} if {HARMLESS_RATE:.1%} do"
    )
    if sample.was_throttled:
        client.warn(
            f"the sample ended after {size} request{'s' * (size != 1)}: "
            "the target asked to slow down (429); with so many, one that fails "
            f"{HARMFUL_RATE:.0%} of the time is seen in {power:.0%}"
        )
    if sample.not_out:
        client.evidence.remarks.append(
            f"{len(sample.not_out)} requests did not get out: {sample.not_out[0]}"
        )


def _judge_failures(client: Client, sample: Sample) -> None:
    incurable = sample.failed and all(map(incurable_cause, sample.failed))
    expect_all(client, or_else=INVESTIGATE if incurable else ROLLBACK).that(
        "hardly any request of the sample fails",
        not sample.fails,
        seen=f"{sample.in_words()}; {sample.limit} are too many",
    )
    if sample.failed:
        client.warn(f"of the sample {sample.in_words()}")


def _judge_versions(client: Client, versions: Counter[str]) -> None:
    wanted = client.settings.expect_version
    if not any(versions):
        return  # settling demands that a version is told where one is expected
    expect_all(client, or_else=INVESTIGATE).that(
        f"every reply is from version {wanted}" if wanted else "all replies are of one version",
        is_one_version(versions, client),
        seen=shares(versions),
    )


def _now() -> float:
    return asyncio.get_running_loop().time()


def _said(exchange: Exchange) -> str:
    said = exchange.trouble.summary if exchange.trouble else f"status {exchange.status}"
    return f"GET {exchange.path}: {said}"
