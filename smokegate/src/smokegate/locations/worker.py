"""`smokegate worker`: a Celery worker that verifies from one location until it is told to end."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import socket
import warnings
from collections.abc import Collection, Mapping
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps, signals
from celery.exceptions import Ignore

from smokegate import gate, journal
from smokegate.arguments import SUITES_FOLDER
from smokegate.errors import JournalError, UsageError
from smokegate.locations import logs, messages
from smokegate.locations.broker import SPARE_S, Broker, Patience, broker_of, queue_of
from smokegate.locations.logs import LOGGER
from smokegate.locations.task import Desk, sweep
from smokegate.results import Action
from smokegate.settings import Settings
from smokegate.streams import say_at_once
from smokegate.targets import Target, read
from smokegate.verdict import EXIT_CODES

_PATIENCE = Patience(silent_s=10.0, retries=60)
_AT_ONCE = 2  # runs; more workers do more
SWEPT_EVERY_S = 30.0
_SWEPT_AFTER_S = 1.0  # a time limit is told just before its process is killed


def run(asked: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Serve a location until a signal; raises `UsageError` where nothing can be served."""
    targets = _targets(asked, settings, environ)
    broker = broker_of(settings, _PATIENCE)
    logs.set_up([settings, *(target.settings for target in targets)])
    desk = Desk(asked.location, targets, broker.take, _give_up)
    broker.meet()
    _register(broker.app, desk)
    _sweep_regularly(broker.app, targets)
    return _serve(broker, desk)


def _targets(
    asked: argparse.Namespace, settings: Settings, environ: Mapping[str, str]
) -> list[Target]:
    if asked.targets:
        return list(read(Path(asked.targets), environ).values())
    if not settings.url_given:
        raise UsageError("worker: no target: set PRODUCTION_URL, or give --targets")
    paths = tuple(Path(path) for path in asked.paths or [SUITES_FOLDER])
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise UsageError(f"worker: {missing[0]} is not there: give the suites' path")
    return [Target("target", settings, paths)]


def _register(app: Celery, desk: Desk) -> None:
    @app.task(name=messages.TASK)
    def verify(*given: object, **named: object) -> Any:
        answer = desk.answer(given[0] if len(given) == 1 and not named else None)
        if answer is None:
            raise Ignore
        return messages.plain(answer)


def _serve(broker: Broker, desk: Desk) -> int:
    told: list[object] = []
    signals.setup_logging.connect(_ignore, weak=False)  # logging is set up already
    signals.worker_shutting_down.connect(lambda **_: told.append(1), weak=False)
    signals.worker_ready.connect(lambda **_: _say_ready(desk), weak=False)
    signals.worker_process_shutdown.connect(lambda **_: broker.close(), weak=False)
    broker.refuse_what_is_no_message()
    warnings.filterwarnings("ignore", "You're running the worker with superuser privileges")
    longest_s = max(gate.longest_s(target.settings) for target in desk.targets)
    broker.app.conf.task_queues = [queue_of(desk.location)]
    worker = broker.app.Worker(
        hostname=f"{desk.location}@{socket.gethostname()}",
        concurrency=_AT_ONCE,
        pool="prefork",
        task_time_limit=longest_s + SPARE_S,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return 0 if told or not worker.exitcode else EXIT_CODES[Action.INCONCLUSIVE]


def _say_ready(desk: Desk) -> None:
    urls = ", ".join(target.settings.url for target in desk.targets)
    LOGGER.info("location %s is ready and verifies %s", desk.location, urls)


def _ignore(**_: object) -> None:
    """Celery would set up logging by itself otherwise."""


def _give_up(line: str) -> None:
    """End the process of a run that its checks do not let end; the worker starts another."""
    say_at_once(f"smokegate: {line}")
    os._exit(EXIT_CODES[Action.INCONCLUSIVE])


def _sweep_regularly(app: Celery, targets: Collection[Target]) -> None:
    """Clean up at the start, and now and then, after runs that were killed."""

    class Sweeping(bootsteps.StartStopStep):
        """Looks for what killed runs have left."""

        requires = ("celery.worker.components:Timer",)

        def start(self, parent: Any) -> None:
            sweeper = _Sweeper(targets)
            sweeper.look()
            soon = partial(parent.timer.call_after, _SWEPT_AFTER_S, sweeper.look)
            signals.task_failure.connect(lambda **_: soon(), weak=False)
            parent.timer.call_repeatedly(SWEPT_EVERY_S, sweeper.look)

    app.steps["worker"].add(Sweeping)


class _Sweeper:
    """Sweeps in a process of its own, so that no suite is loaded into the worker."""

    def __init__(self, targets: Collection[Target]) -> None:
        self._targets = targets
        self._process: BaseProcess | None = None

    def look(self) -> None:
        """Begin to sweep where there is something to be swept."""
        if self._process is not None and self._process.is_alive():
            return
        dead = [target for target in self._targets if _has_abandoned(target)]
        if dead:
            context = multiprocessing.get_context("fork")
            self._process = context.Process(target=_sweep_all, args=[dead], daemon=True)
            self._process.start()


def _has_abandoned(target: Target) -> bool:
    for dead in journal.abandoned(journal.folder(target.settings.journal)):
        if isinstance(dead, JournalError):
            continue  # `smokegate sweep` says what is wrong with it
        dead.close()
        if dead.header.url == target.settings.url:
            return True
    return False


def _sweep_all(targets: list[Target]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for target in targets:
        sweep(target)
