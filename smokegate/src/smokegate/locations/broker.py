"""The broker between drivers and workers: Celery over Redis or Valkey, with or without TLS."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

from celery import Celery
from celery.backends.redis import RedisBackend

from smokegate.errors import UsageError
from smokegate.settings import Settings

RESULT_EXPIRES_S = 3_600
SPARE_S = 15.0  # beyond what a run may take, before its process is killed
_CLAIM = "smokegate.claim."
# With these Celery would go elsewhere than where it is told to, another application's broker maybe.
_OVERRIDES = (
    "CELERY_BROKER_URL",
    "CELERY_BROKER_READ_URL",
    "CELERY_BROKER_WRITE_URL",
    "CELERY_RESULT_BACKEND",
)


class Results(RedisBackend):
    """Where results are looked for; nobody subscribes to them, as Celery would have it."""

    def on_task_call(self, producer: object, task_id: str) -> None:
        """Leave it at that."""


def application(settings: Settings, patience_s: float) -> Celery:
    """What sends and takes tasks; raises `UsageError` if that is not set up.

    `patience_s` is how long the broker may be silent. JSON alone is accepted. Nobody can steer a
    worker through the broker.
    """
    if not settings.broker:
        raise UsageError(
            "broker is not set: give SMOKEGATE_BROKER, as rediss://:password@host:6379/0"
        )
    for name in _OVERRIDES:
        os.environ.pop(name, None)
    results = f"{__name__}:{Results.__name__}+{settings.broker}"
    app = Celery("smokegate", broker=settings.broker, backend=results, set_as_current=False)
    app.conf.update(_configuration(patience_s), **_tls(settings))
    return app


def _configuration(patience_s: float) -> dict[str, Any]:
    sockets = {"socket_timeout": patience_s, "socket_connect_timeout": patience_s}
    return {
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "result_expires": RESULT_EXPIRES_S,
        "broker_transport_options": sockets,
        "redis_socket_timeout": patience_s,
        "redis_socket_connect_timeout": patience_s,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_remote_control": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": 1,  # suites are read anew, and leave nothing behind
    }


def _tls(settings: Settings) -> dict[str, Any]:
    if not settings.broker.startswith("rediss://"):
        return {}
    options: dict[str, Any] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    if settings.broker_ca_file:
        if not Path(settings.broker_ca_file).is_file():
            raise UsageError(f"broker_ca_file: {settings.broker_ca_file} is not there")
        options["ssl_ca_certs"] = settings.broker_ca_file
    return {"broker_use_ssl": options, "redis_backend_use_ssl": options}


def backend(app: Celery) -> Any:
    """Where results are, as Celery has it for Redis: its types know any backend alone."""
    return app.backend


class Claims:
    """Who has taken the parts of runs: each is taken once, however often it is delivered."""

    def __init__(self, app: Celery) -> None:
        self._client = backend(app).client

    def take(self, run_id: str) -> bool:
        """Take a part of a run; False if somebody has."""
        return bool(self._client.set(_CLAIM + run_id, "", nx=True, ex=RESULT_EXPIRES_S))

    def is_taken(self, run_id: str) -> bool:
        """Whether somebody has taken it."""
        return bool(self._client.exists(_CLAIM + run_id))
