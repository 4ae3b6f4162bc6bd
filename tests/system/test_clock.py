"""The clock of the wall may be set while a run lasts, or stand still: nothing is timed by it."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import pytest
from smokegate.results import from_json

from tests.system.command import BIN, Commands

# Python loads a module of this name, from wherever it finds it, before anything else.
SET_CLOCK = """
import time
real, began_s = time.time, time.monotonic()
def now():
    elapsed_s = time.monotonic() - began_s
    return {}
time.time = now
time.time_ns = lambda: int(now() * 1e9)
gmtime, localtime = time.gmtime, time.localtime
time.gmtime = lambda seconds=None: gmtime(now() if seconds is None else seconds)
time.localtime = lambda seconds=None: localtime(now() if seconds is None else seconds)
"""
# Every fifth of a second it is set: an hour forth, to the time, an hour back; or ever further back.
JUMPS = "real() + 3600 * (1 - int(elapsed_s * 5) % 3)"
BACK = "real() - 3600 * int(elapsed_s * 5)"
STANDS = "1_800_000_000.25"


def set_clock(commands: Commands, now: str) -> None:
    (commands.folder / "sitecustomize.py").write_text(SET_CLOCK.format(now))
    further = commands.environment.get("PYTHONPATH", "")
    commands.environment["PYTHONPATH"] = f"{commands.folder}{os.pathsep}{further}"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("now", [JUMPS, BACK, STANDS])
def test_a_clock_that_is_set_changes_nothing(commands: Commands, now: str) -> None:
    set_clock(commands, now)
    done = commands.smokegate("run")
    assert done.code == 0, done.text
    run = commands.last_run
    assert run.verdict.action.value == "proceed"
    started, finished = map(datetime.fromisoformat, (run.started_at, run.finished_at))
    assert timedelta(seconds=run.duration_s) <= finished - started + timedelta(seconds=0.05)
    assert run.duration_s < 3600
    durations_s = [check.duration_s for check in run.checks]
    assert all(0 <= each <= run.duration_s for each in durations_s), durations_s


@pytest.mark.long
def test_two_runs_in_one_second_share_target_results_and_journal(commands: Commands) -> None:
    set_clock(commands, STANDS)
    running = [commands.start(BIN / "smokegate", "run") for _ in range(2)]
    for process in running:
        with process:
            out, err = process.communicate()
        assert process.returncode == 0, out + err
    files = sorted(path.name for path in commands.results.iterdir())
    assert files == [
        f"{stem}_20270115_080000{number}{suffix}"
        for stem, suffix in (
            ("health", ".xml"),
            ("report", ".html"),
            ("run", ".json"),
            ("summary", ".txt"),
            ("workflows", ".xml"),
        )
        for number in ("", "_2")
    ]
    runs = [from_json(path.read_bytes()) for path in commands.results.glob("run_*.json")]
    assert len({run.run_id for run in runs}) == 2
    assert [run.verdict.action.value for run in runs] == ["proceed"] * 2
    assert not list(commands.journal.glob("*.journal"))
