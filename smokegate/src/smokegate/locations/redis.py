"""Redis or Valkey as the broker: parts are taken, and results stored, under keys that expire."""

from __future__ import annotations

import ssl
from queue import Empty
from typing import Any

from celery.backends.redis import RedisBackend
from kombu.exceptions import OperationalError
from kombu.transport import redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from smokegate.locations import messages
from smokegate.locations.broker import KEPT_S, Broker, Patience, trusted_file
from smokegate.locations.logs import LOGGER
from smokegate.settings import Settings

_CLAIM = "smokegate.claim."


class Redis(Broker):
    """A claim is a key that is set if it is not there."""

    failures = (OperationalError, RedisError, OSError)
    refusals = (AuthenticationError, ResponseError)

    def take(self, run_id: str) -> bool:
        """Set its key."""
        return bool(self._client.set(_CLAIM + run_id, "", nx=True, ex=KEPT_S))

    def is_taken(self, run_id: str) -> bool:
        """Look for its key."""
        return bool(self._client.exists(_CLAIM + run_id))

    def result(self, run_id: str) -> bytes | None:
        """Read what is not too large."""
        key = self._stored.get_key_for_task(run_id)
        size = self._client.strlen(key)
        if size > messages.MOST_RESULT_BYTES:
            return b""
        return bytes(self._client.get(key) or b"") if size else None

    def forget(self, run_id: str) -> None:
        """Leave it to expire: without its key a part could be taken again."""

    def close(self) -> None:
        """Leave it to the end of the process, which Redis takes for nothing unusual."""

    def refuse_what_is_no_message(self) -> None:
        """Read the list with a channel of our own."""
        redis.Transport.Channel = _Channel

    @property
    def _client(self) -> Any:
        return self._stored.client

    @property
    def _stored(self) -> Any:
        """Celery's backend, whose types know any backend alone."""
        return self.app.backend

    def _backend(self, url: str) -> str:
        return f"{__name__}:{Results.__name__}+{url}"

    def _configuration(self, settings: Settings, patience: Patience) -> dict[str, Any]:
        silent_s = patience.silent_s
        sockets = {"socket_timeout": silent_s, "socket_connect_timeout": silent_s}
        return {
            "broker_transport_options": sockets,
            "redis_socket_timeout": silent_s,
            "redis_socket_connect_timeout": silent_s,
            "result_backend_transport_options": {"retry_policy": patience.policy},
            **_tls(settings),
        }


class Results(RedisBackend):
    """Where results are looked for; nobody subscribes to them, as Celery would have it."""

    def on_task_call(self, producer: object, task_id: str) -> None:
        """Leave it at that."""


class _Channel(redis.Channel):
    """Refuses what cannot be read as a message, and goes on with the next."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # its types leave it out
        except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            LOGGER.warning("refused: no message: %s: %s", type(error).__name__, error)
            raise Empty from None


def _tls(settings: Settings) -> dict[str, Any]:
    if not settings.broker.startswith("rediss://"):
        return {}
    options: dict[str, Any] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    if trusted := trusted_file(settings):
        options["ssl_ca_certs"] = trusted
    return {"broker_use_ssl": options, "redis_backend_use_ssl": options}
