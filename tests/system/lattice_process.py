"""A real Lattice API in a process of its own: started, stopped, restarted, nothing left behind."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from smokegate.fault_proxy import Upstream
from smokegate.fault_proxy.certificates import ServedCertificate

# Far beyond any start or end on a busy machine; nothing is judged by them.
READY_WITHIN_S = 120.0
ENDED_WITHIN_S = 60.0
POLL_S = 0.02
READY_LINE = re.compile(r"^Lattice API (\S+) ready at (\S+)$", re.MULTILINE)
SERVE = (sys.executable, "-m", "lattice", "serve")
# For many runs of the suites against one service.
UNHURRIED = {
    # Every run comes from one address, which is one client to the limit without a token.
    "LATTICE_RATE_LIMIT_ANONYMOUS": "100000",
    "LATTICE_LOGIN_LIMIT_ADDRESS": "100000",
    # Every run goes to the edge of the limit of a session: one that is nearer is an edge as well.
    "LATTICE_RATE_LIMIT_SESSION": "80",
    "LATTICE_CORS_ORIGINS": "http://localhost:3000",
    # The cost of a password is not what these tests are about, and there are thousands.
    "LATTICE_PASSWORD_TIME_COST": "1",
    "LATTICE_PASSWORD_MEMORY_KIB": "64",
    "LATTICE_PASSWORD_LANES": "1",
    # Receivers of webhooks are on this machine.
    "LATTICE_WEBHOOKS_ALLOW_PRIVATE": "true",
}


class LatticeProcess:
    """Lattice over TLS on a free loopback port, with its database and log in `directory`.

    `settings` are further LATTICE_* variables, by full name. Port, secret and data outlive a
    restart. Variables of the same kind in the caller's environment are not passed on. `command`
    is what serves it: it takes `--port` and prints the line that Lattice prints when it is ready.

        with LatticeProcess(tmp_path, certificates.good(), certificates.ca_file) as lattice:
            ...  # requests to lattice.url, trusting lattice.ca_file
    """

    def __init__(
        self,
        directory: Path,
        certificate: ServedCertificate,
        ca_file: Path,
        settings: Mapping[str, str] | None = None,
        command: Sequence[str | Path] = SERVE,
    ) -> None:
        self.ca_file = ca_file
        self._command = tuple(map(str, command))
        self._certificate = certificate
        self.log_file = directory / "lattice.log"
        self.version = ""
        self._url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = {
            "LATTICE_SECRET": secrets.token_urlsafe(48),
            "LATTICE_DATABASE_URL": f"sqlite+aiosqlite:///{directory / 'lattice.db'}",
            "LATTICE_TLS_CERT": str(certificate.chain_file),
            "LATTICE_TLS_KEY": str(certificate.key_file),
            **(settings or {}),
        }

    @property
    def url(self) -> str:
        """Where it answers, or answered last: `https://127.0.0.1:PORT`."""
        return self._url

    @property
    def upstream(self) -> Upstream:
        """It as what a fault proxy stands in front of."""
        return Upstream(self._url, self.ca_file)

    @property
    def pid(self) -> int:
        """The process while it runs."""
        if self._process is None:
            raise RuntimeError("Lattice is not running")
        return self._process.pid

    def replica(self, directory: Path, settings: Mapping[str, str]) -> LatticeProcess:
        """Return another process over the same data, not started, with settings of its own."""
        together = {**self._settings, **settings}
        return LatticeProcess(directory, self._certificate, self.ca_file, together)

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

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start it, with further settings from now on; return when it answers.

        Raises RuntimeError with its log when it ends before, TimeoutError.
        """
        self._settings |= settings or {}
        port = self._url.rpartition(":")[2] or "0"
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._command, "--port", port],
                env=_environment(self._settings),
                cwd=self.log_file.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.version, self._url = self._await_ready_line(self._process)

    def stop(self) -> None:
        """Stop it in good order, or at once when it does not end in time; idle when stopped."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it without warning, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self, settings: Mapping[str, str] | None = None) -> None:
        """Stop and start on the same port and data, with further settings from now on."""
        self.stop()
        self.start(settings)

    @property
    def log(self) -> str:
        """What it has printed since it started last."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def _await_ready_line(self, process: subprocess.Popen[bytes]) -> tuple[str, str]:
        give_up_s = time.monotonic() + READY_WITHIN_S
        while (ready := READY_LINE.search(self.log)) is None:
            if process.poll() is not None:
                self._process = None
                raise RuntimeError(f"Lattice ended with {process.returncode}:\n{self.log}")
            if time.monotonic() > give_up_s:
                self.kill()
                raise TimeoutError(f"Lattice is not ready:\n{self.log}")
            time.sleep(POLL_S)
        return ready[1], ready[2]


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("LATTICE_")}
    return inherited | dict(settings)
