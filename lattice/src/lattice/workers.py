"""Several processes behind one port: started, replaced when they die, renewed, ended together.

They share one listening socket, which is open from the first start to the last end: while
processes come and go, connections wait in its queue and none is refused. A process that serves
holds the other end of a pipe; when that closes, because it is to be replaced or because there is
nobody left to watch it, it takes no more connections and ends when those that it has are done.
On its standard output it gives signs of life: one that hangs is killed, and replaced as one is
that has died.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from lattice.settings import Settings

RESTART_PAUSE_S = 1.0
LISTENER_OPTION = "--listener"
# Given every second; what keeps a process from its loop for so long does not end.
SIGN_OF_LIFE = b"\n"
HANGS_AFTER_S = 30.0


class StartFailedError(Exception):
    """A process has ended before it was ready; `code` is its exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


class Workers:
    """As many processes as the settings say, each of which serves the same socket."""

    def __init__(
        self, count: int, listener: socket.socket, ready_line: str, environment: Mapping[str, str]
    ) -> None:
        self._count = count
        self._listener = listener
        self._ready_line = ready_line
        self._environment = environment
        self._log = structlog.get_logger("lattice")
        self._serving: list[asyncio.subprocess.Process] = []
        # Those that start and those that end too.
        self._alive: set[asyncio.subprocess.Process] = set()
        self._watching: set[asyncio.Task[None]] = set()
        self._happened = asyncio.Event()
        self._renewal_is_due = False
        self._is_ending = False

    async def run(self) -> int:
        """Serve until told to stop; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end, number)
        loop.add_signal_handler(signal.SIGHUP, self._ask_for_renewal)
        code = await self._begin()
        while not self._is_ending and not code:
            await self._happened.wait()
            self._happened.clear()
            await self._renew_if_due()
            await self._replace_dead()
        await asyncio.gather(*self._watching)
        return code

    async def _begin(self) -> int:
        try:
            # One alone: what an operator can have got wrong is said once.
            self._serving.append(await self._start())
            others = (self._start() for _ in range(self._count - 1))
            self._serving.extend(await asyncio.gather(*others))
        except StartFailedError as error:
            code = 0 if self._is_ending else max(1, error.code)
            self._end(signal.SIGTERM)
            return code
        if not self._is_ending:
            print(self._ready_line, flush=True)  # noqa: T201 - what starters wait for
        return 0

    async def _start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lattice", "serve"),
            *(LISTENER_OPTION, str(self._listener.fileno())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[self._listener.fileno()],
            env=self._environment,
            # What a terminal sends to all of them comes from here, once.
            start_new_session=True,
        )
        self._alive.add(process)
        if self._is_ending:
            # It was not there yet when all of them were told.
            _send(process, signal.SIGTERM)
        self._watch(self._await_end(process))
        if not await _read_line(process):
            raise StartFailedError(await process.wait())
        self._watch(self._kill_if_it_hangs(process))
        return process

    def _watch(self, watch: Coroutine[Any, Any, None]) -> None:
        watching = asyncio.create_task(watch)
        self._watching.add(watching)
        watching.add_done_callback(self._watching.discard)

    async def _await_end(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        self._alive.discard(process)
        self._happened.set()

    async def _kill_if_it_hangs(self, process: asyncio.subprocess.Process) -> None:
        try:
            while await asyncio.wait_for(_read_line(process), HANGS_AFTER_S):
                pass
        except TimeoutError:
            self._log.error("a process hangs", pid=process.pid)
            _send(process, signal.SIGKILL)

    async def _renew_if_due(self) -> None:
        if not self._renewal_is_due:
            return
        self._renewal_is_due = False
        for place, old in enumerate(self._serving):
            if self._is_ending:
                return
            try:
                self._serving[place] = await self._start()
            except StartFailedError as error:
                self._log.error("a new process does not start, the old go on", code=error.code)
                return
            _release(old)
        self._log.warning("processes renewed", processes=self._count)

    async def _replace_dead(self) -> None:
        for place, process in enumerate(self._serving):
            if process.returncode is None or self._is_ending:
                continue
            self._log.error("a process has died", pid=process.pid, code=process.returncode)
            try:
                self._serving[place] = await self._start()
            except StartFailedError as error:
                self._log.error("a process does not start", code=error.code)
                await asyncio.sleep(RESTART_PAUSE_S)
                self._happened.set()

    def _ask_for_renewal(self) -> None:
        self._renewal_is_due = True
        self._happened.set()

    def _end(self, number: signal.Signals) -> None:
        self._is_ending = True
        self._happened.set()
        for process in self._alive:
            _send(process, number)


def _send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal; a process may have ended without anybody here having looked."""
    with suppress(ProcessLookupError):
        process.send_signal(number)


async def _read_line(process: asyncio.subprocess.Process) -> bytes:
    """Return the next line of its standard output; b"" when it has ended."""
    assert process.stdout  # noqa: S101 - it is a pipe
    return await process.stdout.readline()


def _release(process: asyncio.subprocess.Process) -> None:
    assert process.stdin  # noqa: S101 - it is a pipe
    process.stdin.close()


def serve_with_workers(settings: Settings, listener: socket.socket, ready_line: str) -> int:
    """Serve with several processes until told to stop; return the exit code."""
    with TemporaryDirectory(prefix="lattice-metrics-") as folder:
        environment = os.environ | {
            # One that was made up has to be the same everywhere.
            "LATTICE_SECRET": settings.secret.get_secret_value(),
            "LATTICE_DEV": str(settings.dev),
            "PROMETHEUS_MULTIPROC_DIR": folder,
        }
        return asyncio.run(Workers(settings.workers, listener, ready_line, environment).run())
