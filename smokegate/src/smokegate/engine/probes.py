"""What smokegate tries by itself beside the suites: is the target settled, whole, steady."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from urllib.parse import urlsplit

from smokegate.client import Session
from smokegate.client.transport import Address
from smokegate.engine.addresses import LONGEST_S, Addresses
from smokegate.engine.attempt import Attempts, Work, end
from smokegate.engine.conclusion import concluded
from smokegate.engine.confirmation import Confirmation
from smokegate.engine.sampler import Sampler
from smokegate.engine.settling import Settling
from smokegate.results import CheckResult, Consequence, Outcome

SUITE = "run"
# While a target gives no answer at all, no check needs to wait as long as for a slow one.
_PATIENCE_WHEN_DOWN_S = 5.0


class Probe:
    """A probe, described as a check is."""

    suite = SUITE
    deprecated = ""
    owner = ""
    quarantined_until = ""
    quarantine_reason = ""

    def __init__(self, name: str, title: str, consequence: Consequence) -> None:
        self.id = f"{SUITE}.{name}"
        self.name = name
        self.title = title
        self.consequence = consequence


SETTLING = Probe("settling", "The target is ready and serves one version.", Consequence.ROLLBACK)
ADDRESSES = Probe("addresses", "Every address of its name answers.", Consequence.INVESTIGATE)
SAMPLER = Probe("sampler", "It does not fail now and then.", Consequence.ROLLBACK)


class Probes:
    """The probes of one run."""

    def __init__(
        self, session: Session, attempts: Attempts, confirmation: Confirmation, *, partial: bool
    ) -> None:
        self._session = session
        self._settings = session.settings
        self._attempts = attempts
        self._confirmation = confirmation
        self._partial = partial
        self._addresses: list[Address] = []
        self._tasks: list[asyncio.Task[CheckResult]] = []
        self.results: list[CheckResult] = []
        self.stale = ""  # what is served everywhere instead of the expected version

    async def settle(self, tell: Callable[[str], None]) -> None:
        """Wait until the target has settled, as long as the settings allow."""
        settings = self._settings
        self._addresses = await self._session.transport.resolve(settings.url)
        if settings.wait_s <= 0 and not settings.expect_version:
            return
        work = Settling(self._accepting, tell)
        result = await self._make(SETTLING, work, settings.wait_s + 2 * settings.timeout_s)
        self.stale = work.stale
        exchanges = result.attempts[-1].exchanges
        if result.outcome is Outcome.FAILED and all(each.trouble for each in exchanges):
            self._confirmation.down = result.reason
            self._session.patience_s = _PATIENCE_WHEN_DOWN_S

    def start(self) -> None:
        """Begin with what goes on beside the checks."""
        self._tasks = [asyncio.create_task(each) for each in self._beside_the_checks()]

    async def finished(self) -> None:
        """Wait for the end of what goes on beside the checks."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """End what goes on."""
        await end(self._tasks)

    @property
    def _accepting(self) -> list[str]:
        return [address.ip for address in self._addresses if address.accepts]

    def _beside_the_checks(self) -> Iterator[Coroutine[Any, Any, CheckResult]]:
        settings = self._settings
        if self._confirmation.down:
            return
        if len(self._addresses) > 1 and not _is_local_name(settings.url):
            work = Addresses([address.ip for address in self._addresses])
            yield self._make(ADDRESSES, work, LONGEST_S)
        if settings.sample_requests and not self._partial:
            yield self._make(SAMPLER, Sampler(self._accepting), settings.run_timeout_s)

    async def _make(self, probe: Probe, work: Work, deadline_s: float) -> CheckResult:
        ended = await self._attempts.make(
            probe.id, 1, probe.consequence, work, deadline_s=deadline_s
        )
        result = concluded(probe, [ended])
        self.results.append(result)
        return result


def _is_local_name(url: str) -> bool:
    """Whether the name is this machine's own (RFC 6761, 6.3): half of its addresses may be idle."""
    return (urlsplit(url).hostname or "").removesuffix(".").endswith("localhost")
