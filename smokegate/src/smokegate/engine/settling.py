"""Before anything is judged: wait until the target is ready and serves the expected version."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import cycle, islice
from typing import NamedTuple

from smokegate.client import Client, Reply
from smokegate.client.body import parsed
from smokegate.expectations import INVESTIGATE, ROLLBACK, WARN, expect, expect_all
from smokegate.versions import is_wanted, same_version

_SERVER_ERROR, _TOO_MANY_REQUESTS = 500, 429
_VERSION_CHARS = 100  # what is longer is none
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 2.0
# A cold start takes a few seconds; less patience would end it again and again.
_LONGEST_COLD_START_S = 10.0


class Told(NamedTuple):
    """What one of those asked at once was told: one reply if health and version share a path."""

    health: Reply
    version: Reply

    @property
    def is_up(self) -> bool:
        """Whether it is ready to serve; one that throttles (429) does not say."""
        return 0 < self.health.status < _SERVER_ERROR and not self.is_throttled

    @property
    def is_throttled(self) -> bool:
        """Whether it asks to come again later."""
        return self.health.status == _TOO_MANY_REQUESTS


class Settling:
    """Waits within the setting `wait_s`; a work that `Attempts` can make.

    Settled is a target that answers on several fresh connections at once, which lead to different
    instances, all in the expected version, or in one version where none is expected. `tell` hears
    what is being waited for, whenever that changes. `stale` is the version that all of them serve
    at the end instead of the expected one, with their shares if there are several.
    """

    def __init__(self, addresses: list[str], tell: Callable[[str], None]) -> None:
        self._addresses = cycle(addresses or [""])
        self._tell = tell
        self._said = ""
        self.stale = ""

    async def __call__(self, client: Client) -> None:
        """Demand that the target is ready and serves one version, the expected one."""
        wait_s = client.settings.wait_s
        told = await self._wait(client, asyncio.get_running_loop().time() + wait_s)
        _demand_readiness(client, told, f"it is ready within {wait_s:g} s")
        versions, wanted = _versions(client, told), client.settings.expect_version
        if wanted and versions.total() == len(told) and not _is_anywhere(wanted, versions):
            self.stale = shares(versions)
        _demand_one_version(client, versions)

    async def _wait(self, client: Client, end: float) -> list[Told]:
        """Ask until the target has settled or the time is over; what was told last."""
        width = most = client.settings.settle_connections
        pause_s = _FIRST_PAUSE_S
        while True:
            told = await self._ask(client, width, max(_LONGEST_COLD_START_S, _left_s(end)))
            replies = [reply for each in told for reply in each]
            client.evidence.keep_only(reply.exchange for reply in replies)
            unsettled, is_up = _unsettled(client, told), any(each.is_up for each in told)
            is_whole = width == most or not is_up
            if is_whole and (not unsettled or _left_s(end) <= 0):
                return told
            # Who is not there at all is not asked over and over by many at once.
            width = most if is_up else 1
            if unsettled:
                self._say(unsettled)
                asked_s = max(reply.retry_after_s or 0.0 for reply in replies)
                await asyncio.sleep(max(0.0, min(max(pause_s, asked_s), _left_s(end))))
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _ask(self, client: Client, width: int, patience_s: float) -> list[Told]:
        timeout_s = min(client.settings.timeout_s, patience_s)
        asked = (_ask_one(client, address, timeout_s) for address in islice(self._addresses, width))
        return await asyncio.gather(*asked)

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            self._tell(words)


async def _ask_one(client: Client, address: str, timeout_s: float) -> Told:
    settings = client.settings
    paths = dict.fromkeys((settings.health_path, settings.version_path or settings.health_path))
    asked = (client.ask(path, address=address, timeout_s=timeout_s, fresh=True) for path in paths)
    replies = await asyncio.gather(*asked)
    return Told(replies[0], replies[-1])


def _unsettled(client: Client, told: list[Told]) -> str:
    """Say why a target has not settled, going by what was told at the same time."""
    down = [each for each in told if not each.is_up]
    if down:
        return f"not ready: {_said(down[0].health)}"
    versions = _versions(client, told)
    return "" if is_one_version(versions, client) else f"not settled: {shares(versions)}"


def _demand_readiness(client: Client, told: list[Told], demand: str) -> None:
    up = [each for each in told if each.is_up]
    down = [each.health for each in told if not each.is_up and not each.is_throttled]
    if not up and not down:
        client.evidence.throttled(told[0].health.exchange, told[0].health.retry_after_s or 0.0)
    best = up[0].health if up else down[0]
    if best.exchange.trouble:
        client.evidence.no_reply(best.exchange, best.exchange.trouble)
    expect(best, or_else=ROLLBACK).that(demand, bool(up), seen=_said(best))
    if down:
        # A single connection may be lost anywhere; what is broken meets more than one.
        expect_all(client, or_else=INVESTIGATE if len(down) > 1 else WARN).that(
            "all connections are answered at the end",
            not down,
            seen=f"{len(down)} of {len(told)}: {_said(down[0])}",
        )


def _demand_one_version(client: Client, versions: Counter[str]) -> None:
    for version in versions.elements():
        if version:
            client.saw_version(version)
    wanted = client.settings.expect_version
    if wanted or any(versions):
        expect_all(client, or_else=INVESTIGATE).that(
            f"all connections serve version {wanted}"
            if wanted
            else "all connections serve one version",
            is_one_version(versions, client),
            seen=shares(versions),
        )


def _versions(client: Client, told: list[Told]) -> Counter[str]:
    """How many of those that are up tell which version; nothing for those that tell none."""
    field = client.settings.version_field
    return Counter(version_in(each.version, field) for each in told if each.is_up)


def is_one_version(versions: Counter[str], client: Client) -> bool:
    """Whether all were told the expected version, or all the same where none is expected."""
    wanted = client.settings.expect_version
    if not wanted:
        return len(versions) <= 1
    first = next(iter(versions), "")
    return bool(versions) and all(
        is_wanted(version, wanted) and same_version(version, first) for version in versions
    )


def _is_anywhere(wanted: str, versions: Counter[str]) -> bool:
    """Whether a version was told somewhere, or where none was told could be."""
    return any(not version or is_wanted(version, wanted) for version in versions)


def version_in(reply: Reply, field: str) -> str:
    """The version that a reply tells in a member of its JSON body ("a.b" is b in a), or nothing."""
    if not 0 < reply.status < _SERVER_ERROR:
        return ""
    try:
        value = parsed(reply.body)
        for name in field.split("."):
            value = value[name]
    except (ValueError, LookupError, TypeError):
        return ""  # what the demand sees then is that no version was told
    return reply.evidence.shown(value, _VERSION_CHARS) if isinstance(value, str) else ""


def shares(versions: Counter[str]) -> str:
    """Say how many replies came from each version, the most frequent first."""
    total = versions.total()
    if not any(versions):
        return "no reply that says its version"
    return ", ".join(
        f"{version or 'none told'} in {number} of {total} ({number / total:.1%})"
        for version, number in versions.most_common()
    )


def _said(reply: Reply) -> str:
    trouble = reply.exchange.trouble
    return trouble.summary if trouble else f"status {reply.status}"


def _left_s(end: float) -> float:
    return end - asyncio.get_running_loop().time()
