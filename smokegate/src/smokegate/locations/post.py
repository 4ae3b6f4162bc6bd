"""A driver's way to the workers: parts of a run go out, their results are looked for."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TypeVar

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from smokegate.client.redaction import Redactor
from smokegate.errors import BrokerError
from smokegate.locations import broker, messages
from smokegate.locations.logs import password_of
from smokegate.locations.messages import Ask
from smokegate.reports.escaping import one_line
from smokegate.settings import Settings

# A run stands in its result as a text of JSON in JSON, each quote with a backslash before it.
_MOST_RESULT_BYTES = 2 * messages.MOST_BYTES
_PATIENCE_S = 2.0  # a signal ends a run within 6 s
_SENT_AGAIN = {"max_retries": 2, "interval_start": 0.2, "interval_step": 0.3}
_QUEUE_EXPIRES_S = 3_600

Value = TypeVar("Value")


class Post:
    """Sends and looks; raises `BrokerError`, in words without the password, where it cannot."""

    def __init__(self, settings: Settings) -> None:
        # Whoever waits for a verdict must not wait for a broker that is away.
        self._app = broker.application(settings, _PATIENCE_S)
        self._app.conf.result_backend_transport_options = {"retry_policy": _SENT_AGAIN}
        self._claims = broker.Claims(self._app)
        self._client = broker.backend(self._app).client
        self._wait_s = settings.location_wait_s
        self._redactor = Redactor()
        self._redactor.add(password_of(settings.broker))

    def send(self, location: str, ask: Ask, limit_s: float) -> str:
        """Ask a location, whose process is killed after some seconds; give the task's id.

        Nobody takes it later than `location_wait_s` from now.
        """
        return self._tried(lambda: self._send(location, ask, limit_s))

    def _send(self, location: str, ask: Ask, limit_s: float) -> str:
        sent = self._app.send_task(
            messages.TASK,
            args=[messages.plain(ask)],
            queue=messages.queue(location),
            expires=self._wait_s,
            time_limit=ceil(limit_s),
            argsrepr="(...)",
            retry_policy=_SENT_AGAIN,
        )
        # A location that has no worker any more must not fill the broker's memory.
        self._client.expire(messages.queue(location), _QUEUE_EXPIRES_S)
        return str(sent.id)

    def is_taken(self, run_id: str) -> bool:
        """Whether a worker has begun with a part of a run."""
        return self._tried(lambda: self._claims.is_taken(run_id))

    def withdraw(self, run_id: str) -> bool:
        """Take a part of a run back; False if a worker has begun with it."""
        return self._tried(lambda: self._claims.take(run_id))

    def result(self, task_id: str) -> bytes | None:
        """The result of a task once it is there, empty if it is too large."""
        return self._tried(lambda: self._result(task_id))

    def _result(self, task_id: str) -> bytes | None:
        key = broker.backend(self._app).get_key_for_task(task_id)
        size = self._client.strlen(key)
        if size > _MOST_RESULT_BYTES:
            return b""
        return bytes(self._client.get(key) or b"") if size else None

    def _tried(self, work: Callable[[], Value]) -> Value:
        try:
            return work()
        except (OperationalError, RedisError, OSError) as error:
            words = self._redactor.text(one_line(str(error), 200))
            raise BrokerError(f"the broker cannot be reached: {words}") from None
