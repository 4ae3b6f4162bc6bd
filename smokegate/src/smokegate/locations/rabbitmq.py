"""RabbitMQ as the broker: each part of a run has two queues of its own, and both expire.

One holds a token, and whoever gets it has taken the part. The other is for the result. Queues and
what is in them outlive a restart.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from amqp import Connection, Message
from amqp.exceptions import AccessRefused, AMQPError, MessageNacked, NotAllowed, NotFound
from celery import Celery
from celery.backends.rpc import RPCBackend
from kombu.exceptions import OperationalError

from smokegate.locations import messages
from smokegate.locations.broker import EXPIRES, Broker, Patience, trusted_file
from smokegate.settings import Settings

_CLAIM, _RESULT = "smokegate.claim.", "smokegate.result."
_OWN: dict[str, Any] = {"durable": True, "auto_delete": False}
_PERSISTENT = 2

Value = TypeVar("Value")


class RabbitMq(Broker):
    """A claim is a token that can be got once."""

    failures = (OperationalError, AMQPError, MessageNacked, OSError)
    refusals = (AccessRefused, NotAllowed)

    def send(
        self, run_id: str, location: str, asked: object, *, wait_s: float, limit_s: int
    ) -> None:
        """Ask, when there is a token, and a queue for the result."""

        def offer(channel: Any) -> None:
            channel.queue_declare(_RESULT + run_id, **_OWN, arguments=EXPIRES)
            # One token, even if a connection that broke has it offered again.
            claim = {**EXPIRES, "x-max-length": 1}
            channel.queue_declare(_CLAIM + run_id, **_OWN, arguments=claim)
            token = Message("", delivery_mode=_PERSISTENT)
            channel.basic_publish(token, routing_key=_CLAIM + run_id)

        self._on_channel(offer)
        super().send(run_id, location, asked, wait_s=wait_s, limit_s=limit_s)

    def take(self, run_id: str) -> bool:
        """Get its token."""

        def get(channel: Any) -> bool:
            try:
                return channel.basic_get(_CLAIM + run_id, no_ack=True) is not None
            except NotFound:
                return False  # nobody waits for it any more

        return self._on_channel(get)

    def is_taken(self, run_id: str) -> bool:
        """Look whether its token is gone."""

        def look(channel: Any) -> bool:
            return not channel.queue_declare(_CLAIM + run_id, passive=True).message_count

        return self._on_channel(look, retries=0)

    def result(self, run_id: str) -> bytes | None:
        """Get it, which is possible once."""

        def get(channel: Any) -> bytes | None:
            message = channel.basic_get(_RESULT + run_id)
            if message is None:
                return None
            channel.basic_ack(message.delivery_tag)
            body = message.body
            stored = body.encode() if isinstance(body, str) else bytes(body)
            return stored if len(stored) <= messages.MOST_RESULT_BYTES else b""

        return self._on_channel(get, retries=0)

    def forget(self, run_id: str) -> None:
        """Delete both queues: without its token nobody can take a part."""

        def delete(channel: Any) -> None:
            for queue in (_CLAIM, _RESULT):
                channel.queue_delete(queue + run_id)

        self._on_channel(delete)

    def close(self) -> None:
        """Close connections, which it would complain of otherwise."""
        with suppress(*self.failures):
            for _ in range(self._pool.limit):
                connection = self._pool.acquire()
                if connection.connected:
                    connection.close()

    def refuse_what_is_no_message(self) -> None:
        """Leave it to Celery: whatever arrives is a message, with content of some kind."""

    def _on_channel(self, work: Callable[..., Value], retries: int | None = None) -> Value:
        """Do it on any connection; who looks again anyway asks for no retries."""
        again = self._again if retries is None else {**self._again, "max_retries": retries}
        with self._pool.acquire(block=True) as connection:
            try:
                value: Value = connection.autoretry(work, **again)()[0]
            except self.failures:
                connection.collect()  # an answer that comes late is none to the next question
                raise
        return value

    @property
    def _pool(self) -> Any:
        """Connections; the types take it for a pool of producers."""
        return self.app.pool

    def _backend(self, _: str) -> str:
        return f"{__name__}:{Results.__name__}"

    def _configuration(self, settings: Settings, patience: Patience) -> dict[str, Any]:
        def limit(connection: Connection) -> None:
            # Its own timeouts of reading and writing let it go on after each.
            connection.transport.sock.settimeout(patience.silent_s)

        return {
            "broker_connection_timeout": patience.silent_s,
            # Without confirmation, what is written as a connection breaks is lost unseen.
            "broker_transport_options": {"confirm_publish": True, "on_open": limit},
            "result_persistent": True,
            "result_backend_transport_options": {"retry_policy": patience.policy},
            **_tls(settings),
        }


class Results(RPCBackend):
    """Stores the result of a part in its own queue, wherever a message asks for the reply."""

    def __init__(self, app: Celery, **options: Any) -> None:
        super().__init__(app, **options)
        self.retry_policy = app.conf.result_backend_transport_options["retry_policy"]

    def on_task_call(self, producer: object, task_id: str) -> None:
        """Leave it to `RabbitMq.send`."""

    def destination_for(self, task_id: str, _: object) -> tuple[str, str]:
        """The queue and the id; no queue where nobody can wait."""
        is_part = isinstance(task_id, str) and re.fullmatch(messages.RUN_ID, task_id)
        return (_RESULT + task_id if is_part else "", task_id)


def _tls(settings: Settings) -> dict[str, Any]:
    if not settings.broker.startswith("amqps://"):
        return {}
    host = urlsplit(settings.broker).hostname
    options: dict[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": host}
    if trusted := trusted_file(settings):
        options["ca_certs"] = trusted
    return {"broker_use_ssl": options}
