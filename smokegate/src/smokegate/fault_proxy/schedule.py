"""Which faults strike which connection and which request: the only place that counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from smokegate.fault_proxy.faults import Fault
from smokegate.fault_proxy.messages import Request


class Schedule:
    """The faults in force, counted from the moment they were set.

    `connections_before` is how many connections the proxy had accepted by then: they are not
    counted and no fault per connection strikes them.
    """

    def __init__(self, faults: Iterable[Fault] = (), connections_before: int = 0) -> None:
        self.faults = tuple(faults)
        self._connections_before = connections_before
        self._matched: Counter[Fault] = Counter()

    def striking_connection(self, connection: int) -> list[Fault]:
        """Return the faults whose occasion is this connection, in the order they were set."""
        return [fault for fault in self.faults if self._strikes(fault, connection)]

    def striking_request(self, request: Request) -> list[Fault]:
        """Return the faults that strike this request, in the order set; ask once a request."""
        return [
            fault for fault in self.faults if fault.matches(request) and self._due(fault, request)
        ]

    def _strikes(self, fault: Fault, connection: int) -> bool:
        ordinal = connection - self._connections_before
        return ordinal >= 1 and fault.when.chosen(ordinal)

    def _due(self, fault: Fault, request: Request) -> bool:
        if fault.per == "connection":
            return self._strikes(fault, request.connection)
        self._matched[fault] += 1
        return fault.when.chosen(self._matched[fault])
