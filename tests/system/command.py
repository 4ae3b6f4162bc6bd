"""Running the commands as a user does: processes of their own, in a folder of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from smokegate.results import JudgedRun, from_json

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "tests/smoke"
BIN = Path(sys.executable).parent
# Far beyond any run on a busy machine; nothing is judged by it.
ENDED_WITHIN_S = 240.0


def heed_interrupts() -> None:
    """Let signals end again what these tests start, where they run in the background themselves.

    A shell has what it starts there ignore SIGINT, and `nohup` SIGHUP; every process that a test
    starts would, too.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # the tests themselves go on


# A sample is most of the requests of a run, and not what most tests of runs are about.
UNSAMPLED = {"SMOKEGATE_SAMPLE_REQUESTS": "0"}


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it said."""
        return self.out + self.err


class Commands:
    """Commands that share a folder for results and journal, and an environment without a target."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.results = folder / "results"
        self.journal = folder / "journal"
        ours = ("SMOKEGATE_", "PRODUCTION_", "API_TIMEOUT", "TEST_", "GITHUB_", "PYTEST_", "OTEL_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment = {
            **kept,
            "SMOKEGATE_RESULTS": str(self.results),
            "SMOKEGATE_JOURNAL": str(self.journal),
            "SMOKEGATE_HISTORY": "none",
            **(settings or {}),
        }

    def start(self, *command: str | Path) -> subprocess.Popen[str]:
        """Start a command in the checkout."""
        return subprocess.Popen(
            list(map(str, command)),
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *command: str | Path) -> Done:
        """Run a command to its end."""
        with self.start(*command) as process:
            try:
                out, err = process.communicate(timeout=ENDED_WITHIN_S)
            finally:
                process.kill()
        return Done(process.returncode, out, err)

    def smokegate(self, *arguments: str | Path) -> Done:
        """Run smokegate."""
        return self(BIN / "smokegate", *arguments)

    def pytest(self, *arguments: str | Path) -> Done:
        """Run pytest, without the plugins and options of the tests that call it."""
        return self(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments)

    @property
    def last_run(self) -> JudgedRun:
        """The newest run among the results."""
        newest = max(self.results.glob("run_*.json"), key=lambda path: path.stat().st_mtime_ns)
        return from_json(newest.read_bytes())

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each check of the newest run, by id."""
        return {check.id: check.outcome.value for check in self.last_run.checks}


def wait_for_a_creation(commands: Commands, process: subprocess.Popen[str]) -> list[str]:
    """Wait until the journal of a run has confirmed that something was made; all names in it."""
    while process.poll() is None:
        for path in commands.journal.glob("*.journal"):
            written = path.read_bytes()
            if b'"made":true' in written:
                return re.findall(r'"name":"([^"]+)"', written.decode())
    raise RuntimeError(f"it made nothing: {process.communicate()}")
