"""The broker between drivers and workers: what every kind of it does through Celery alike."""

from __future__ import annotations

import os
import ssl
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from celery import Celery
from kombu import Exchange, Queue

from smokegate.errors import BrokerError, UsageError
from smokegate.locations import messages
from smokegate.reports.escaping import one_line
from smokegate.settings import Settings

KEPT_S = 3_600  # whatever is at the broker, for those who are away
# A location that has no worker any more must not fill the broker's memory. The kind of queue is one
# that every RabbitMQ has, whatever its default is.
EXPIRES: dict[str, Any] = {"x-expires": 1_000 * KEPT_S, "x-queue-type": "classic"}
SPARE_S = 15.0  # beyond what a run may take, before its process is killed
# With these Celery would go elsewhere than where it is told to, another application's broker maybe.
_OVERRIDES = (
    "CELERY_BROKER_URL",
    "CELERY_BROKER_READ_URL",
    "CELERY_BROKER_WRITE_URL",
    "CELERY_RESULT_BACKEND",
)


@dataclass(frozen=True)
class Patience:
    """How long a broker may be silent, and how often what fails is tried again."""

    silent_s: float
    retries: int

    @property
    def policy(self) -> dict[str, float]:
        """How Celery and kombu are told."""
        return {
            "max_retries": self.retries,
            "interval_start": 0.2,
            "interval_step": 0.3,
            "interval_max": 1.0,
        }


class Broker(ABC):
    """One kind of broker: how Celery speaks to it, and what is known there of the parts of runs.

    A part is sent once, taken once however often it is delivered, and has one result. What fails
    raises one of `failures`; with `refusals`, trying again does not help. JSON alone is accepted.
    Nobody can steer a worker through the broker.
    """

    failures: ClassVar[tuple[type[Exception], ...]]
    refusals: ClassVar[tuple[type[Exception], ...]]

    def __init__(self, settings: Settings, patience: Patience) -> None:
        for name in _OVERRIDES:
            os.environ.pop(name, None)
        self._again = patience.policy
        self.app = Celery(
            "smokegate",
            broker=settings.broker,
            backend=self._backend(settings.broker),
            set_as_current=False,
        )
        self.app.conf.update(_CONFIGURATION, **self._configuration(settings, patience))

    def send(
        self, run_id: str, location: str, asked: object, *, wait_s: float, limit_s: int
    ) -> None:
        """Ask a location; nobody takes it later than `wait_s` from now."""
        self.app.send_task(
            messages.TASK,
            args=[asked],
            task_id=run_id,
            queue=queue_of(location),  # type: ignore[arg-type]  # its types know names alone
            expires=wait_s,
            time_limit=limit_s,
            argsrepr="(...)",
            retry_policy=self._again,
        )

    @abstractmethod
    def take(self, run_id: str) -> bool:
        """Take a part of a run; False if somebody has."""

    @abstractmethod
    def is_taken(self, run_id: str) -> bool:
        """Whether somebody has taken it."""

    @abstractmethod
    def result(self, run_id: str) -> bytes | None:
        """What Celery stored of a part once it is there, empty if it is too large."""

    @abstractmethod
    def forget(self, run_id: str) -> None:
        """Leave nothing that grows of a part that nobody waits for any more."""

    def meet(self) -> None:
        """Connect once; raises `BrokerError` if that is refused, or not to be trusted.

        A broker that is away may come yet.
        """
        try:
            with self.app.connection_for_read() as connection:
                transport: Any = connection.transport
                transport.close_connection(transport.establish_connection())
        except self.failures as error:
            if _is_from(error, (*self.refusals, ssl.SSLCertVerificationError)):
                raise BrokerError(
                    f"the broker is not usable: {one_line(str(error), 200)}"
                ) from None

    @abstractmethod
    def close(self) -> None:
        """Take leave of it, whether it is still there or not."""

    @abstractmethod
    def refuse_what_is_no_message(self) -> None:
        """Have a worker outlive what Celery's transport would die of."""

    @abstractmethod
    def _backend(self, url: str) -> str:
        """Where workers store results, as Celery names it."""

    @abstractmethod
    def _configuration(self, settings: Settings, patience: Patience) -> dict[str, Any]:
        """What Celery is told for this kind: patience, and TLS where the URL asks for it."""


_CONFIGURATION = {
    "accept_content": ["json"],
    "task_default_exchange": "",  # or it would declare one of its own
    "task_serializer": "json",
    "result_serializer": "json",
    "result_expires": KEPT_S,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_enable_remote_control": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "worker_prefetch_multiplier": 1,
    "worker_max_tasks_per_child": 1,  # suites are read anew, and leave nothing behind
}


def broker_of(settings: Settings, patience: Patience) -> Broker:
    """The broker that is set; raises `UsageError` if none is, or not rightly."""
    if not settings.broker:
        raise UsageError(
            "broker is not set: give SMOKEGATE_BROKER, as rediss://:password@host:6379/0 "
            "or amqps://user:password@host:5671/vhost"
        )
    if urlsplit(settings.broker).scheme in ("amqp", "amqps"):
        from smokegate.locations.rabbitmq import RabbitMq

        return RabbitMq(settings, patience)
    from smokegate.locations.redis import Redis

    return Redis(settings, patience)


def queue_of(location: str) -> Queue:
    """The queue of a location, which goes when nobody has used it for a while."""
    name = messages.queue(location)
    return Queue(name, Exchange(""), routing_key=name, queue_arguments=EXPIRES)


def trusted_file(settings: Settings) -> str:
    """The authority that TLS trusts; empty: the system's."""
    if settings.broker_ca_file and not Path(settings.broker_ca_file).is_file():
        raise UsageError(f"broker_ca_file: {settings.broker_ca_file} is not there")
    return settings.broker_ca_file


def _is_from(error: BaseException | None, kinds: tuple[type[Exception], ...]) -> bool:
    """Whether an error is of one of these kinds, or was raised from one."""
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__ or error.__context__
    return error is not None
