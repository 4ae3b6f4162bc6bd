"""A run through the proxy without any fault: what there is to act on, and whether all is well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from smokegate.audit.front import Front, Performance
from smokegate.errors import UsageError
from smokegate.fault_proxy.certificates import Certificates
from smokegate.results import Exchange
from smokegate.settings import Settings


@dataclass(frozen=True)
class Undisturbed:
    """What such a run showed."""

    performance: Performance
    settings: Settings
    certificates: Certificates

    @property
    def version(self) -> str:
        """The version that the target serves; empty if it does not say."""
        return self.performance.run.version

    @property
    def has_tls(self) -> bool:
        """Whether the target speaks TLS."""
        return self.settings.target.scheme == "https"

    @property
    def version_path(self) -> str:
        """A pattern for the path at which the target says its version."""
        return self._pattern(self.settings.version_path or self.settings.health_path)

    @property
    def beyond_health(self) -> str:
        """A pattern for every path but those that are looked at before any check."""
        paths = {self.settings.health_path, self.settings.version_path or ""} - {""}
        return "".join(f"(?!{self._pattern(path)})" for path in sorted(paths)) + "^"

    @property
    def has_bodies_beyond_health(self) -> bool:
        """Whether a reply beyond the health check had a body."""
        pattern = re.compile(self.beyond_health)
        return any(each.reply_bytes and pattern.match(each.path) for each in self.exchanges())

    def has_header(self, name: str, value: str = "") -> bool:
        """Whether a reply had such a header, with this in its value."""
        return any(
            key.lower() == name and value in found.lower()
            for each in self.exchanges()
            for key, found in each.reply_headers
        )

    def requests(self, method: str = "") -> int:
        """How many requests there were, with this method or with any."""
        received = self.performance.record.received
        return sum(method in ("", request.method) for request in received)

    @property
    def connections(self) -> int:
        """How many connections carried a request."""
        return len({request.connection for request in self.performance.record.received})

    @property
    def slowest_s(self) -> float:
        """How long the slowest request took."""
        return max((each.timing.total_s for each in self.exchanges()), default=0.0)

    def exchanges(self) -> Iterator[Exchange]:
        """The exchanges that are kept as evidence."""
        return (each for tried in self.performance.run.attempts for each in tried.exchanges)

    def _pattern(self, path: str) -> str:
        return rf"^{re.escape(self.settings.target.path + path)}(?:\?|$)"


def undisturbed(front: Front) -> Undisturbed:
    """Verify the target without any fault.

    Raises `UsageError` if the gate does not open: what keeps it shut must be cured first, for it
    would be seen beside every fault.
    """
    front.subject.tell("without any fault")
    performance = front.verify()
    verdict = performance.run.verdict
    if not verdict.action.opens_the_gate:
        failures = performance.record.upstream_failures
        reason = f"the target does not answer: {failures[0]}" if failures else verdict.reason
        raise UsageError(
            f"without any fault the verdict is {verdict.action.value} already: {reason}"
        )
    return Undisturbed(performance, front.subject.settings, front.certificates)
