"""A run as a process of its own, which neither hangs the service nor ends with it.

It holds a lock as long as it lives, so that a service that was started anew knows of it and waits
for what it finds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from smokegate import file_lock
from smokegate.reports.escaping import one_line
from smokegate.service.gate.order import INCONCLUSIVE, Order

_ENDS_WITHIN_S = 12.0  # a run that is told to end does so within 6 s
_LOOKED_AT_EVERY_S = 0.1
_LAST_WORDS_BYTES = 4_096
_REASON_CHARS = 300
# What is the service's alone, and no run needs.
_NOT_PASSED_ON = frozenset(
    {"SMOKEGATE_TOKEN", "SMOKEGATE_GITHUB_TOKEN", "SMOKEGATE_GITHUB_WEBHOOK_SECRET"}
    | {"SMOKEGATE_GITHUB_API", "SMOKEGATE_GITHUB_APP_ID", "SMOKEGATE_GITHUB_APP_KEY"}
)


class Outcome(NamedTuple):
    """What came of a run."""

    verdict: str
    reason: str
    run_id: str = ""
    version: str = ""
    was_interrupted: bool = False


class _Judged(msgspec.Struct):
    action: Literal["proceed", "monitor", "inconclusive", "investigate", "rollback"]
    reason: str


class _Ended(msgspec.Struct):
    """What is read of a `run.json`."""

    run_id: str
    version: str
    interrupted: str
    verdict: _Judged


# The type is met before there are threads; see `smokegate.results.look_at_types`.
_ENDINGS = msgspec.json.Decoder(_Ended)


class Child:
    """The process of an order; its files are in a folder, by the order's id."""

    def __init__(self, folder: Path, order: Order) -> None:
        self._run_file = folder / f"{order.id}.run.json"
        self._lock_file = folder / f"{order.id}.lock"
        self._words_file = folder / f"{order.id}.words"
        self._process: subprocess.Popen[bytes] | None = None
        self._ends_by = inf
        self.pid = order.pid

    def start(self, words: list[str], environ: Mapping[str, str]) -> None:
        """Start a run by these words; raises `OSError`."""
        with self._lock_file.open("ab", buffering=0) as lock, self._words_file.open("wb") as said:
            file_lock.lock(lock)
            self._process = subprocess.Popen(  # noqa: S603 - ours, with words that were checked
                [*words, f"--json={self._run_file}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=dict(environ),
                start_new_session=True,
                pass_fds=() if sys.platform == "win32" else (lock.fileno(),),
            )
        self.pid = self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs, whoever has started it."""
        if self._process:
            return self._process.poll() is None
        try:
            with self._lock_file.open("rb", buffering=0) as lock:
                return not file_lock.lock(lock)
        except OSError:
            return False

    def wait(self, limit_s: float) -> Outcome:
        """Wait until it has ended, and end what it started; beyond the limit end it."""
        limit = time.monotonic() + limit_s
        while self.is_alive and time.monotonic() < self._ends_by:
            if time.monotonic() > limit:
                self.end()
            time.sleep(_LOOKED_AT_EVERY_S)
        self.kill()
        if time.monotonic() > limit and self._read() is None:
            return Outcome(INCONCLUSIVE, f"the run did not end within {limit_s:g} s")
        return self.outcome()

    def end(self) -> None:
        """Ask it to end: it cleans up at the target, and is inconclusive."""
        if self._ends_by == inf and self.is_alive:
            self._ends_by = time.monotonic() + _ENDS_WITHIN_S
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once with all that it started."""
        if self._process or self.is_alive:
            self._signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
        if self._process:
            self._process.wait()

    def outcome(self) -> Outcome:
        """What it found, or why it found nothing."""
        ended = self._read()
        if ended is None:
            return Outcome(INCONCLUSIVE, self._why())
        return Outcome(
            verdict=ended.verdict.action,
            reason=one_line(ended.verdict.reason, _REASON_CHARS),
            run_id=ended.run_id,
            version=one_line(ended.version, _REASON_CHARS),
            was_interrupted=bool(ended.interrupted),
        )

    def forget(self) -> None:
        """Remove its files."""
        for file in (self._run_file, self._lock_file, self._words_file):
            with suppress(OSError):
                file.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        if not self.pid:
            return  # which process it is was never written down; 0 would be our own group
        with suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                os.kill(self.pid, number)
            else:
                os.killpg(self.pid, number)

    def _read(self) -> _Ended | None:
        try:
            return _ENDINGS.decode(self._run_file.read_bytes())
        except (OSError, msgspec.MsgspecError, ValueError):
            return None

    def _why(self) -> str:
        """Why there is no run: what smokegate itself said last, or the exit code."""
        with suppress(OSError):
            said = self._words_file.read_bytes()[-_LAST_WORDS_BYTES:].decode("utf-8", "replace")
            lines = [line for line in said.splitlines() if line.startswith("smokegate: ")]
            if lines:
                return one_line(lines[-1].removeprefix("smokegate: "), _REASON_CHARS)
        code = f" with exit code {self._process.returncode}" if self._process else ""
        return f"the run ended{code}, without a verdict"


def words_of(order: Order, targets_file: str) -> list[str]:
    """What `smokegate run` is told of an order."""
    wanted, words = order.wanted, ["run"]
    if targets_file:
        words += [f"--targets={targets_file}", f"--target={wanted.target}"]
    if wanted.expect_version:
        words += [f"--expect-version={wanted.expect_version}"]
    return words


def environment_of(order: Order, environ: Mapping[str, str]) -> dict[str, str]:
    """What a run finds in its environment."""
    kept = {key: value for key, value in environ.items() if key not in _NOT_PASSED_ON}
    deployment = order.wanted.deployment
    return kept | ({"SMOKEGATE_DEPLOYMENT": deployment} if deployment else {})
