"""Remembering in a process of its own, which needs one that has a single thread."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest
from smokegate.history.queries import runs
from smokegate.history.remembering import opened
from smokegate.results import to_json

from tests.gate.history.runs import run

_MORE_THAN_A_SOCKET_HOLDS = 2_000_000
_BEGINNING = """
import os, resource, signal, sys
from pathlib import Path
from smokegate.history.aside import remembering_aside
from smokegate.settings import Settings

history, journal, evidence = sys.argv[1:]
settings = Settings(history=history, journal=journal)
"""
_GIVING = """
with remembering_aside(settings) as aside:
    os.kill(aside._process, signal.SIGSTOP)
    aside.give(Path(evidence).read_bytes())
    os.kill(aside._process, signal.SIGCONT)
    assert aside.remembered().trouble == ""
    assert aside.remembered() is None, "what was answered is not answered again"
"""
_WAITING = """
with remembering_aside(settings) as aside:
    aside.give(Path(evidence).read_bytes())
    assert aside.remembered().is_away
"""
_WITHOUT_ROOM = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))
with remembering_aside(settings) as aside:
    try:
        aside.give(Path(evidence).read_bytes()[:2_000])
    except OSError:  # what is small is written when the file is flushed, and again when it closes
        assert aside.remembered() is None
    else:
        sys.exit("it was given")
"""
_AN_OLD_LIBRARY = """
del os.memfd_create
with remembering_aside(settings) as aside:
    assert aside is None
"""


def done(code: str, folder: Path, history: str) -> tuple[int, str]:
    """What a process that has a large run and does this ends with."""
    evidence = folder / "run.json"
    evidence.write_bytes(to_json(run(1)) + b" " * _MORE_THAN_A_SOCKET_HOLDS)
    doing = [sys.executable, "-c", _BEGINNING + code, history, str(folder), str(evidence)]
    ended = subprocess.run(doing, timeout=120, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stderr


def test_giving_a_run_waits_for_nobody(tmp_path: Path) -> None:
    history = f"sqlite:///{tmp_path / 'history.db'}"
    assert done(_GIVING, tmp_path, history) == (0, "")
    assert list(tmp_path.glob("history.db*")) == [tmp_path / "history.db"], "all is in the one file"
    store = opened(history)
    with store.reading() as connection:
        assert [each.run_id for each in runs(connection).runs] == ["run-000001"]
    store.close()


def test_a_database_that_is_away_is_waited_for_once(tmp_path: Path) -> None:
    with hanging_up() as (port, connections):
        history = f"postgresql://nobody@127.0.0.1:{port}/x?sslmode=disable&gssencmode=disable"
        assert done(_WAITING, tmp_path, history) == (0, "")
    assert len(connections) == 1


@pytest.mark.parametrize("code", [_WITHOUT_ROOM, _AN_OLD_LIBRARY], ids=["room", "library"])
def test_who_cannot_give_a_run_goes_on(code: str, tmp_path: Path) -> None:
    assert done(code, tmp_path, f"sqlite:///{tmp_path / 'history.db'}") == (0, "")


@contextmanager
def hanging_up() -> Iterator[tuple[int, list[None]]]:
    """A port that closes each connection, and a list with an item for each."""
    connections: list[None] = []

    def hang_up() -> None:
        with suppress(OSError):  # of a listener that is shut down
            while True:
                accepted, _ = listener.accept()
                connections.append(None)
                accepted.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=hang_up, daemon=True).start()
        yield listener.getsockname()[1], connections
        listener.shutdown(socket.SHUT_RDWR)
