"""Remembering in a process of its own, which needs one that has a single thread."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from smokegate.history.queries import runs
from smokegate.history.remembering import opened
from smokegate.results import to_json

from tests.gate.history.runs import run

_MORE_THAN_A_SOCKET_HOLDS = 2_000_000
_GIVING = """
import os, signal, sys
from pathlib import Path
from smokegate.history.aside import remembering_aside
from smokegate.settings import Settings

history, journal, evidence = sys.argv[1:]
with remembering_aside(Settings(history=history, journal=journal)) as aside:
    os.kill(aside._process, signal.SIGSTOP)
    aside.give(Path(evidence).read_bytes())
    os.kill(aside._process, signal.SIGCONT)
    assert aside.remembered().trouble == ""
    assert aside.remembered() is None, "what was answered is not answered again"
"""


def test_giving_a_run_waits_for_nobody(tmp_path: Path) -> None:
    history, evidence = f"sqlite:///{tmp_path / 'history.db'}", tmp_path / "run.json"
    evidence.write_bytes(to_json(run(1)) + b" " * _MORE_THAN_A_SOCKET_HOLDS)
    giving = [sys.executable, "-c", _GIVING, history, str(tmp_path), str(evidence)]
    done = subprocess.run(giving, timeout=120, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    store = opened(history)
    with store.reading() as connection:
        assert [each.run_id for each in runs(connection).runs] == ["run-000001"]
    store.close()
