"""The command as people call it, run to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

# Far beyond any start on a busy machine; nothing is judged by it.
ENDED_WITHIN_S = 60.0
LATTICE = ("-m", "lattice")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with these LATTICE_* variables and no others."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("LATTICE_")}
    return inherited | dict(settings)


def run_lattice(
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    interpreter: Sequence[str] = (),
    directory: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `python -m lattice` until it ends."""
    return subprocess.run(
        [sys.executable, *interpreter, "-m", "lattice", *arguments],
        env=environment(settings or {}),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ENDED_WITHIN_S,
        check=False,
    )


def processes_of(pid: int) -> set[int]:
    """The processes that a process has started and that are there."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


class Served:
    """A server over plain HTTP whose two outputs are kept apart."""

    def __init__(
        self, *options: str, settings: dict[str, str], program: Sequence[str] = LATTICE
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *program, "serve", "--port", "0", *options],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.line = self.process.stdout.readline()
        self.url = self.line.split()[-1] if self.line else ""

    @property
    def address(self) -> tuple[str, int]:
        """Its host and port."""
        host, _, port = self.url.rpartition("/")[2].rpartition(":")
        return host, int(port)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Signal it; returns its exit code, and what else it has printed on both outputs."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        """Wait for its end; returns its exit code, and what else it has printed."""
        out, err = self.process.communicate(timeout=ENDED_WITHIN_S)
        return self.process.returncode, out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        with self.process:
            pass  # Waits for it, and closes its pipes.
