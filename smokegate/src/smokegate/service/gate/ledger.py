"""What was asked for, on disk: a file for each order, whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from smokegate import file_lock
from smokegate.service.gate.order import Order
from smokegate.streams import say
from smokegate.whole_file import write_whole

_MOST_ENDED = 1_000  # the oldest go first
_FOLDER = "gate"


class Ledger:
    """The orders by id, in the order in which they came; one process at a time has them.

    Raises `OSError` where the folder cannot be used, and `BlockingIOError` where another process
    uses it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / _FOLDER
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (self.folder / "lock").open("ab", buffering=0)
        if not file_lock.lock(self._lock):
            self._lock.close()
            raise BlockingIOError(f"another smokegate serve uses {self.folder}")
        found = filter(None, map(_read, self.folder.glob("*.order")))
        self._orders = {each.id: each for each in sorted(found, key=lambda each: each.asked_ms)}

    def close(self) -> None:
        """Leave the folder to another process."""
        self._lock.close()

    def all(self) -> list[Order]:
        """Every order, the first that came first."""
        return list(self._orders.values())

    def get(self, order_id: str) -> Order | None:
        """The order of an id."""
        return self._orders.get(order_id)

    def write(self, order: Order) -> None:
        """Keep an order as it is now; raises `OSError`, and what was on disk stays."""
        try:
            write_whole(self._file(order), msgspec.json.encode(order), mode=0o600)
        finally:
            self._orders[order.id] = order
        self._prune()

    def forget(self, order: Order) -> None:
        """Take an order out, as if it had not come."""
        self._orders.pop(order.id, None)
        with suppress(OSError):
            self._file(order).unlink(missing_ok=True)

    def _prune(self) -> None:
        ended = [each for each in self._orders.values() if each.has_ended]
        for each in ended[:-_MOST_ENDED]:
            self.forget(each)

    def _file(self, order: Order) -> Path:
        return self.folder / f"{order.id}.order"


def _read(file: Path) -> Order | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Order)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        say(f"smokegate: {file} is no order of the gate, and left alone: {error}")
        return None
