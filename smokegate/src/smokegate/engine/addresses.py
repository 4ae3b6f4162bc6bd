"""Every address that the target's name resolves to is tried: a dead one hides behind the others."""

from __future__ import annotations

import asyncio
import ipaddress

from smokegate.client import Client, Reply
from smokegate.expectations import INVESTIGATE, MONITOR, expect
from smokegate.results import Consequence, Side

_TRIES = 2
_LONGEST_TRY_S = 3.0
LONGEST_S = _TRIES * _LONGEST_TRY_S + 1.0
_SERVER_ERROR = 500


class Addresses:
    """Tries each address; a work that `Attempts` can make.

    A dead address of a family that has others means investigate. Where a whole family is dead and
    the other one is not, clients fall back to that: monitor. What cannot be reached from here for
    a reason of our own is a remark.
    """

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses
        self._alive: list[str] = []

    async def __call__(self, client: Client) -> None:
        """Demand that every address answers."""
        replies = await asyncio.gather(*(_try(client, each) for each in self._addresses))
        tried = dict(zip(self._addresses, replies, strict=True))
        self._alive = [address for address, reply in tried.items() if _answers(reply)]
        if not self._alive:
            client.skip("no address answers, as other checks show")
        for address, reply in tried.items():
            trouble = reply.exchange.trouble
            if trouble and trouble.side is Side.RUNNER:
                client.evidence.remarks.append(
                    f"{address} could not be tried from here: {trouble.summary}"
                )
                continue
            seen = trouble.summary if trouble else f"status {reply.status}"
            expect(reply, or_else=self._means(address)).that(
                f"the address {address} answers", _answers(reply), seen=seen
            )

    def _means(self, address: str) -> Consequence:
        family = {each for each in self._addresses if _family(each) == _family(address)}
        is_whole_family = family.isdisjoint(self._alive)
        return MONITOR if is_whole_family and _family(address) == 6 else INVESTIGATE  # noqa: PLR2004


async def _try(client: Client, address: str) -> Reply:
    settings = client.settings
    for _ in range(_TRIES):
        reply = await client.ask(
            settings.health_path,
            address=address,
            timeout_s=min(settings.timeout_s, _LONGEST_TRY_S),
            fresh=True,
        )
        if _answers(reply):
            break
    return reply


def _answers(reply: Reply) -> bool:
    return 0 < reply.status < _SERVER_ERROR


def _family(address: str) -> int:
    return ipaddress.ip_address(address.partition("%")[0]).version
