"""Lets a worker outlive what is no message at all, which Celery's transport would die of."""

from __future__ import annotations

from queue import Empty
from typing import Any

from kombu.transport import redis

from smokegate.locations.logs import LOGGER


class _Channel(redis.Channel):
    """Refuses what cannot be read as a message, and goes on with the next."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # its types leave it out
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            LOGGER.warning("refused: no message: %s: %s", type(error).__name__, error)
            raise Empty from None


def refuse_what_is_no_message() -> None:
    """Have every connection of this process do so."""
    redis.Transport.Channel = _Channel
