"""Before anything is judged: wait until the target is ready and serves the expected version."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import cycle, islice

from smokegate.client import Client, Reply
from smokegate.client.body import parsed
from smokegate.expectations import INVESTIGATE, ROLLBACK, expect, expect_all

_SERVER_ERROR = 500
_VERSION_CHARS = 100  # what is longer is none
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 2.0
# A cold start takes a few seconds; less patience would end it again and again.
_LONGEST_COLD_START_S = 10.0


class Settling:
    """Waits within the setting `wait_s`; a work that `Attempts` can make.

    Settled is a target that answers on several fresh connections at once, which lead to different
    instances, all in the expected version, or in one version where none is expected. `tell` hears
    what is being waited for, whenever that changes.
    """

    def __init__(self, addresses: list[str], tell: Callable[[str], None]) -> None:
        self._addresses = cycle(addresses or [""])
        self._tell = tell
        self._told = ""

    async def __call__(self, client: Client) -> None:
        """Demand that the target is ready and serves one version, the expected one."""
        end = asyncio.get_running_loop().time() + client.settings.wait_s
        replies = await self._wait(client, end)
        wait_s = client.settings.wait_s
        _demand_readiness(client, replies, f"it is ready within {wait_s:g} s")
        _demand_one_version(client, _versions(client, replies))

    async def _wait(self, client: Client, end: float) -> list[Reply]:
        """Ask until the target has settled or the time is over; the last replies."""
        width, pause_s = client.settings.settle_connections, _FIRST_PAUSE_S
        while True:
            replies = await self._ask(client, width, max(_LONGEST_COLD_START_S, _left_s(end)))
            unsettled = _unsettled(client, replies)
            if _left_s(end) <= 0 or not (unsettled or len(replies) == 1):
                return replies
            # Who is not there at all is not asked over and over by many at once.
            is_up = any(map(_is_up, replies))
            width = client.settings.settle_connections if is_up else 1
            if unsettled:
                self._say(unsettled)
                asked_s = max(reply.retry_after_s or 0.0 for reply in replies)
                await asyncio.sleep(min(max(pause_s, asked_s), _left_s(end)))
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _ask(self, client: Client, width: int, patience_s: float) -> list[Reply]:
        settings = client.settings
        path = settings.version_path or settings.health_path
        timeout_s = min(settings.timeout_s, patience_s)
        asked = (
            client.ask(path, address=address, timeout_s=timeout_s, fresh=True)
            for address in islice(self._addresses, width)
        )
        return await asyncio.gather(*asked)

    def _say(self, words: str) -> None:
        if words != self._told:
            self._told = words
            self._tell(words)


def _unsettled(client: Client, replies: list[Reply]) -> str:
    """Say why a target has not settled, going by replies that were asked for at the same time."""
    down = [reply for reply in replies if not _is_up(reply)]
    if down:
        return f"not ready: {_said(down[0])}"
    versions, wanted = _versions(client, replies), client.settings.expect_version
    is_one = set(versions) == {wanted} if wanted else len(versions) <= 1
    return "" if is_one else f"not settled: {shares(versions)}"


def _demand_readiness(client: Client, replies: list[Reply], demand: str) -> None:
    down = [reply for reply in replies if not _is_up(reply)]
    if down and len(down) < len(replies):
        client.evidence.remarks.append(
            f"{len(down)} of {len(replies)} connections at the end: {_said(down[0])}"
        )
    worst = down[0] if len(down) == len(replies) else next(filter(_is_up, replies))
    if worst.exchange.trouble:
        client.evidence.no_reply(worst.exchange, worst.exchange.trouble)
    expect(worst, or_else=ROLLBACK).that(demand, _is_up(worst), seen=_said(worst))


def _demand_one_version(client: Client, versions: Counter[str]) -> None:
    for version in versions.elements():
        client.saw_version(version)
    wanted = client.settings.expect_version
    if wanted or versions:
        expect_all(client, or_else=INVESTIGATE).that(
            f"all connections serve version {wanted}"
            if wanted
            else "all connections serve one version",
            set(versions) == {wanted} if wanted else len(versions) == 1,
            seen=shares(versions),
        )


def _versions(client: Client, replies: list[Reply]) -> Counter[str]:
    told = (version_in(reply, client.settings.version_field) for reply in replies)
    return Counter(version for version in told if version)


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
    if not total:
        return "no reply that says its version"
    return ", ".join(
        f"{version} in {number} of {total} ({number / total:.1%})"
        for version, number in versions.most_common()
    )


def _is_up(reply: Reply) -> bool:
    return 0 < reply.status < _SERVER_ERROR


def _said(reply: Reply) -> str:
    trouble = reply.exchange.trouble
    return trouble.summary if trouble else f"status {reply.status}"


def _left_s(end: float) -> float:
    return end - asyncio.get_running_loop().time()
