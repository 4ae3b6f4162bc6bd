"""The history as runs of all doors leave it, and verdicts that stand whatever becomes of it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from smokegate.fault_proxy import Fault, SetStatus
from smokegate.fault_proxy.loop_thread import LoopThread
from smokegate.history.remembering import opened

from tests.gate.history.postgres import DATABASES
from tests.system.command import ROOT, SUITES, UNSAMPLED, Commands
from tests.system.conftest import OpenProxy
from tests.system.tiny_upstream import TinyUpstream

RUN = ("run", "-k", "database", "--wait=0")
PROCEED, ROLLBACK = 0, 20
Broken = Callable[[Path], str]


def use(commands: Commands, url: str) -> None:
    commands.environment["SMOKEGATE_HISTORY"] = url


def listed(commands: Commands) -> list[dict[str, Any]]:
    done = commands.smokegate("history", "list", "--json")
    assert done.code == 0, done.text
    runs: list[dict[str, Any]] = json.loads(done.out)["runs"]
    return runs


def away(folder: Path) -> str:
    return "postgresql://somebody:hunter22@127.0.0.1:1/history"


def in_the_way(folder: Path) -> str:
    (folder / "file").write_text("somebody's notes")
    return f"sqlite:///{folder / 'file' / 'history.db'}"


def somebodys(folder: Path) -> str:
    (folder / "history.db").write_bytes(b"somebody's notes " * 500)
    return f"sqlite:///{folder / 'history.db'}"


def newer(folder: Path) -> str:
    url = f"sqlite:///{folder / 'history.db'}"
    opened(url).close()
    with closing(sqlite3.connect(folder / "history.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    return url


def corrupt(folder: Path) -> str:
    """One whose tables are there, and whose pages are not."""
    url = f"sqlite:///{folder / 'history.db'}"
    opened(url).close()
    file = folder / "history.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        pages = int(connection.execute("SELECT rootpage FROM sqlite_master").fetchone()[0])
    content = bytearray(file.read_bytes())
    content[4096 * pages :] = b"\xff" * (len(content) - 4096 * pages)
    file.write_bytes(content)
    return url


@pytest.mark.sampled(2)
@pytest.mark.parametrize("broken", [away, in_the_way, somebodys, newer, corrupt])
def test_a_verdict_stands_whatever_becomes_of_the_history(
    commands: Commands, free_url: str, tmp_path: Path, broken: Broken
) -> None:
    use(commands, broken(tmp_path))
    before = {file: file.read_bytes() for file in tmp_path.glob("history.db")}
    for target, code in ("", PROCEED), (free_url, ROLLBACK):
        done = commands.smokegate(*RUN, *(["--url", target] if target else []))
        assert done.code == code, done.text
        (line,) = [each for each in done.err.splitlines() if "history" in each]
        assert line.startswith("smokegate: the run is not in the history yet: ")
        assert "it is kept in " in line
        assert "Traceback" not in done.err
        assert "hunter22" not in done.text
    assert {file: file.read_bytes() for file in before} == before, "it is never overwritten"
    assert commands.smokegate("history", "list").code == 30
    use(commands, f"sqlite:///{tmp_path / 'whole.db'}")
    assert commands.smokegate(*RUN).code == PROCEED
    assert [each["action"] for each in listed(commands)] == ["proceed", "rollback", "proceed"]


@pytest.mark.long
def test_pytest_stands_too_and_says_what_is_missing(commands: Commands) -> None:
    use(commands, away(commands.folder))
    done = commands.pytest(SUITES, "-k", "database")
    assert done.code == 0, done.text
    assert "the run is not in the history yet: " in done.text
    assert "hunter22" not in done.text
    assert list(commands.journal.rglob("*.json"))


def test_none_remembers_nothing(commands: Commands, tmp_path: Path) -> None:
    use(commands, "none")
    done = commands.smokegate(*RUN)
    assert (done.code, done.err) == (PROCEED, "")
    assert not list(tmp_path.rglob("history.db"))
    assert not list(tmp_path.rglob("not-yet-remembered"))


def test_runs_of_every_door_are_remembered(commands: Commands, tmp_path: Path) -> None:
    """Where nothing is set, in a file beside the journals."""
    del commands.environment["SMOKEGATE_HISTORY"]
    assert commands.smokegate(*RUN, "--environment", "staging").code == PROCEED
    assert commands.pytest(SUITES, "-k", "database").code == 0
    assert (commands.journal / "history.db").is_file()
    by_pytest, by_run = listed(commands)
    assert (by_run["environment"], by_pytest["environment"]) == ("staging", "production")
    assert by_run["run_id"] == commands.last_run.run_id
    assert {by_run["partial"], by_pytest["partial"]} == {True}
    shown = commands.smokegate("history", "show", by_run["run_id"][:-1])
    assert "✓ health.test_database_connection" in shown.out or "+ health." in shown.out
    trends = json.loads(commands.smokegate("history", "trends", "--json").out)
    assert trends["whole"]["verdicts"] == {}, "of parts of the checks"
    assert trends["slowest"], "whose results count all the same"
    seen = {each["environment"] for each in (by_run, by_pytest) if each["version"]}
    assert {each["environment"] for each in trends["deployments"]} == seen


SUITE = """
from smokegate import Client, HealthSuite, WorkflowSuite, expect


class TestUp(HealthSuite):
    async def test_up(self, client: Client) -> None:
        expect(await client.get("/json")).status(200)


class TestFlow(WorkflowSuite):
    async def test_flow(self, client: Client) -> None:
        expect(await client.get("/text")).status(200)
"""


def test_a_run_is_compared_with_the_last_good_one(
    tmp_path: Path, open_proxy: OpenProxy, loop_thread: LoopThread
) -> None:
    """Whether there is a history or not, the verdict is the same."""
    (tmp_path / "test_tiny.py").write_text(SUITE)
    proxy = open_proxy()
    target = {"PRODUCTION_URL": proxy.url, "SMOKEGATE_HEALTH_PATH": "/json"}
    settled = {"SMOKEGATE_WAIT_S": "0", **UNSAMPLED}
    commands = Commands(tmp_path, target | settled)
    use(commands, f"sqlite:///{tmp_path / 'history.db'}")
    good = commands.smokegate("run", tmp_path)
    assert (good.code, "Since " in good.out) == (PROCEED, False), good.text
    known = commands.last_run.run_id
    loop_thread.run(proxy.act_out(Fault(SetStatus(500), path="^/text$")))
    worse = commands.smokegate("run", tmp_path)
    said = " ".join(worse.out.split())
    assert f"Since the last good run ({known}, " in said
    assert said.endswith("no longer passing: workflows.test_flow")
    pages = commands.results.glob("report_*.html")
    assert ['id="since"' in page.read_text() for page in sorted(pages)] == [False, True]
    seen = commands.last_run.verdict
    use(commands, "none")
    alone = commands.smokegate("run", tmp_path)
    assert (alone.code, alone.err, "Since " in alone.out) == (worse.code, worse.err, False)
    assert commands.last_run.verdict == seen


MEDDLING = """
import os, signal, sys
from pathlib import Path

def processes():
    me = os.getpid()
    return [int(each) for each in Path(f"/proc/{me}/task/{me}/children").read_text().split()]

class TestFlow(WorkflowSuite):
    async def test_meddles(self) -> None:
        (process,) = processes()
        MEDDLE
"""


def test_whoever_ignores_its_children_is_told_what_is_wrong(tmp_path: Path) -> None:
    """A supervisor may leave SIGCHLD ignored to what it starts."""
    commands = Commands(tmp_path, {"PRODUCTION_URL": "http://127.0.0.1:1"})
    use(commands, f"sqlite:///{tmp_path / 'history.db'}")
    ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
    ignoring += "os.execv(sys.executable, [sys.executable, '-m', 'smokegate', 'run', 'nowhere'])"
    done = commands(sys.executable, "-c", ignoring)
    assert (done.code, len(done.err.splitlines())) == (2, 1), done.text


@pytest.mark.parametrize(
    "meddle",
    ["sys.modules['sqlalchemy'] = None", "os.kill(process, signal.SIGKILL)"],
    ids=["the run cannot", "the process cannot"],
)
def test_a_process_aside_remembers_or_else_the_run_does(
    tmp_path: Path, tiny_upstream: TinyUpstream, meddle: str
) -> None:
    (tmp_path / "test_tiny.py").write_text(SUITE + MEDDLING.replace("MEDDLE", meddle))
    commands = Commands(tmp_path, {"PRODUCTION_URL": tiny_upstream.url, **UNSAMPLED})
    commands.environment["SMOKEGATE_HEALTH_PATH"] = "/json"
    use(commands, f"sqlite:///{tmp_path / 'history.db'}")
    done = commands.smokegate("run", tmp_path)
    assert (done.code, done.err) == (PROCEED, ""), done.text
    assert [each["run_id"] for each in listed(commands)] == [commands.last_run.run_id]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("database", DATABASES)
def test_many_writers_lose_and_double_nothing(database: str) -> None:
    """A small campaign, as `make history-campaign` runs a large one."""
    command = [sys.executable, "-m", "tests.system.history_campaign", "2", "--database", database]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost or doubled" in done.stdout
