"""A small campaign of kills, as `make kills` runs a large one."""

from __future__ import annotations

import subprocess
import sys

from tests.system.command import ROOT


def test_nothing_is_left_of_runs_that_were_killed() -> None:
    command = [sys.executable, "-m", "tests.system.kills", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 kills (" in done.stdout
    assert " 0 accounts left by them" not in done.stdout, "no kill left anything to sweep"
