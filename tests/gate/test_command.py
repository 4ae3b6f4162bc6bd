"""Commands of the user's: real processes, ended with all that they started."""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from smokegate.client.redaction import Redactor
from smokegate.command import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")

SECRET = "Correct-Horse-Battery-1"


needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux knows when one ends")


def ran(
    code: str, *, given: bytes = b"", limit_s: float = 60.0, **environ: str
) -> tuple[str, list[str]]:
    """Run Python code as a command; what went wrong, and the lines that it printed."""
    shown: list[str] = []
    redactor = Redactor()
    redactor.add(SECRET)
    wrong = run(
        [sys.executable, "-c", code],
        {"PATH": os.environ["PATH"], **environ},
        given,
        limit_s=limit_s,
        redactor=redactor,
        show=shown.append,
    )
    return wrong, shown


def test_what_it_prints_is_shown_line_by_line() -> None:
    code = "import sys; print('one'); print('two', file=sys.stderr, flush=True); print('thrée')"
    wrong, shown = ran(code, PYTHONUTF8="1")
    assert wrong == ""
    assert sorted(shown) == ["one", "thrée", "two"]


def test_it_gets_its_input_and_its_environment_and_nothing_else() -> None:
    code = "import os, sys; print(len(sys.stdin.buffer.read()), sorted(os.environ))"
    wrong, shown = ran(code, given=b"x" * 1_000_000, COLOUR="blue", LC_CTYPE="C.UTF-8")
    assert wrong == ""
    assert shown == ["1000000 ['COLOUR', 'LC_CTYPE', 'PATH']"]


def test_it_need_not_read_its_input() -> None:
    assert ran("print('done')", given=b"x" * 1_000_000) == ("", ["done"])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit(3)", "it ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "it ended with exit code -9"),
    ],
)
def test_an_end_that_is_no_success_is_said(code: str, words: str) -> None:
    assert ran(code)[0] == words


def test_a_program_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    (tmp_path / "it").write_text("not a program")
    for program, words in ((tmp_path / "it", "Permission denied"), (tmp_path / "no", "No such")):
        wrong = run([str(program)], {}, b"", limit_s=1.0, redactor=Redactor(), show=lambda _: None)
        assert wrong.startswith(f"it could not be started: {words}")


def test_secrets_are_not_shown() -> None:
    _, shown = ran(f"print('password is {SECRET}!')")
    assert shown == ["password is [redacted]!"]


def test_no_half_of_a_secret_is_shown_where_a_line_is_cut() -> None:
    _, shown = ran(f"print('x' * (65536 - 10) + {SECRET!r} + 'y' * 100)")
    assert SECRET[:10] not in "".join(shown)
    assert len(shown) == 2


def test_output_without_end_does_not_fill_the_memory() -> None:
    code = "for _ in range(3_000): print('x' * 999)"
    wrong, shown = ran(code)
    assert wrong == ""
    assert (len(shown), shown[-1]) == (1_001, "... what it prints beyond 1 MB is not shown")


def has_ended(pid: int, within_s: float = 60.0) -> bool:
    """Whether a process is no more; one that was killed takes a moment to go."""
    try:
        file = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([file], [], [], within_s)[0])
    finally:
        os.close(file)


FAMILY = """
import os, signal, subprocess, sys, time
if {stubborn}: signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


@needs_pidfd
@pytest.mark.parametrize("stubborn", [False, True])
def test_when_its_time_is_over_it_is_ended_with_all_that_it_started(stubborn: bool) -> None:
    wrong, shown = ran(FAMILY.format(stubborn=stubborn), limit_s=1.0)
    assert wrong == "it did not end within 1 s"
    pids = [int(pid) for pid in shown[0].split()]
    assert len(pids) == 2
    assert all(map(has_ended, pids))


@needs_pidfd
def test_an_interruption_ends_it_too() -> None:
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.extend(int(pid) for pid in line.split())
        os.kill(os.getpid(), signal.SIGINT)

    command: list[Any] = [sys.executable, "-c", FAMILY.format(stubborn=False)]
    with pytest.raises(KeyboardInterrupt):
        run(command, os.environ, b"", limit_s=60.0, redactor=Redactor(), show=interrupt)
    assert len(pids) == 2
    assert all(map(has_ended, pids))


@needs_pidfd
def test_what_it_leaves_running_on_purpose_goes_on() -> None:
    code = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
"""
    wrong, shown = ran(code)
    pid = int(shown[0])
    try:
        assert wrong == ""
        assert not has_ended(pid, within_s=0)
    finally:
        os.kill(pid, signal.SIGKILL)
