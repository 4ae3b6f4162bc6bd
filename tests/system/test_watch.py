"""Watches of real servers as a user has them: an outage, a restart, a kill, a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from smokegate.watch.clock import SystemClock
from smokegate.watch.looks import TargetLooks

from tests.gate.suite_folder import SuiteFolder, suite_folder
from tests.system.command import BIN, Commands
from tests.system.lattice_process import LatticeProcess
from tests.system.ports import free_port
from tests.system.subjects import subject as system_subject
from tests.system.tiny_upstream import TinyUpstream

SMALL = """
    class TestProductionHealth(HealthSuite):
        async def test_text(self, client: Client) -> None:
            expect(await client.get("/text")).status(200)
"""
ALONE = """
        @exclusive()
        async def test_burst(self, client: Client) -> None:
            for _ in range(20):
                expect(await client.get("/text")).status(200)
"""
QUICK = {"require": ["health"], "health_path": "/json", "settle_connections": 3, "wait_s": 1.0}
SETTINGS = {
    "SMOKEGATE_REQUIRE": "health",
    "SMOKEGATE_HEALTH_PATH": "/json",
    "SMOKEGATE_SAMPLE_REQUESTS": "0",
    "SMOKEGATE_SETTLE_CONNECTIONS": "3",
    "SMOKEGATE_WAIT_S": "1",
}


@pytest.fixture
def watching(tmp_path: Path) -> Commands:
    """Commands that know a small suite, which is in the folder `suites`."""
    SuiteFolder(tmp_path / "suites").write("test_small_watch.py", SMALL)
    return Commands(tmp_path, SETTINGS)


@contextmanager
def watch(commands: Commands, url: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A watch of the small suite with a round a second, its document in `watch.json`."""
    file = commands.folder / "watch.json"
    given = ("--url", url, "--every", "1s", "--json", str(file), *options)
    with started(commands, commands.folder / "suites", *given) as process:
        yield process


@contextmanager
def started(commands: Commands, *given: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A watch that does not outlive the block."""
    with commands.start(BIN / "smokegate", "watch", *given) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """Read what it says up to a line with these words."""
    said = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if words in line:
            return said
    raise AssertionError(f"it never said {words!r}: {said}")


def document(commands: Commands) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((commands.folder / "watch.json").read_text())
    return found


def test_an_outage_is_seen_and_its_end_too(watching: Commands) -> None:
    port = free_port()
    with ExitStack() as stack:
        with TinyUpstream(port=port) as upstream:
            options = ("--for", "8s", "--keep-watching")
            process = stack.enter_context(watch(watching, upstream.url, *options))
            read_until(process, "light")
        read_until(process, "proceed → rollback")
        with TinyUpstream(port=port):
            read_until(process, "rollback → proceed")
            out, err = process.communicate()
    assert (process.returncode, err) == (10, "")
    assert "INVESTIGATE: it recovered, but stood at rollback before:" in out
    seen = document(watching)
    assert [change["after"] for change in seen["changes"]] == ["rollback", "proceed"]
    assert len(list(watching.results.glob("run_*.json"))) in (2, 3), "changes, and the last"
    assert list(watching.journal.glob("**/*.*")) == []


def test_what_is_confirmed_ends_it_at_once_with_20(watching: Commands, free_url: str) -> None:
    with watch(watching, free_url, "--for", "1h") as process:
        out, _ = process.communicate()
    assert process.returncode == 20
    assert "ROLLBACK: the whole target is down" in out
    assert [each["full"] for each in document(watching)["rounds"]] == [True, True]


@pytest.mark.long
def test_a_signal_ends_it_with_30_and_the_next_one_goes_on(
    watching: Commands, tiny_upstream: TinyUpstream
) -> None:
    with watch(watching, tiny_upstream.url, "--for", "5s") as process:
        read_until(process, "light")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate()
    assert process.returncode == 30
    assert "INCONCLUSIVE: the watch was interrupted; so far it stood at proceed" in out
    with watch(watching, tiny_upstream.url, "--for", "5s") as process:
        out, _ = process.communicate()
    assert process.returncode == 0
    assert "going on with the watch that began at" in out
    assert sum(each["full"] for each in document(watching)["rounds"]) == 2, "the first and the last"


@pytest.mark.long
def test_a_kept_account_is_one_and_is_swept_after_a_kill(
    commands: Commands, lattice: LatticeProcess
) -> None:
    """The shipped suites: one full round, then light ones that share an account."""
    options = ("--for", "1h", "--every", "1s", "--full-every", "1000")
    with started(commands, *options) as process:
        for _ in range(3):
            read_until(process, "light")
        (kept,) = commands.journal.glob("*.journal")
        lines = [json.loads(line) for line in kept.read_text().splitlines()[1:]]
        last = {each["entry"]: each for each in lines}.values()
        there = [each for each in last if each["made"] is not False and not each["removed"]]
        assert [(each["owner"], each["made"]) for each in there] == [("member#1", True)]
        os.kill(process.pid, signal.SIGKILL)
    swept = commands.smokegate("sweep")
    assert (swept.code, list(commands.journal.glob("*.journal"))) == (0, [])
    with started(commands, *options) as process:
        read_until(process, "light")
        assert len(list(commands.journal.glob("*.journal"))) == 1
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert (process.returncode, list(commands.journal.glob("*.journal"))) == (30, [])


def test_a_signal_that_comes_between_two_looks_ends_the_next_at_once(tmp_path: Path) -> None:
    clock = SystemClock()
    with TinyUpstream() as upstream, suite_folder(tmp_path) as suites:
        suites.write("test_small_watch.py", SMALL)
        subject = system_subject(tmp_path, tmp_path, url=upstream.url, **QUICK)
        looks = TargetLooks([suites.path], subject.settings, clock, subject.give_up)
        clock.stopped = "SIGHUP"
        assert looks.look(full=True, light=[]).interrupted == "SIGHUP"
        assert not upstream.seen


def test_a_light_round_strains_nobody(tmp_path: Path, tiny_upstream: TinyUpstream) -> None:
    with suite_folder(tmp_path / "suites") as suites:
        suites.write("test_light_watch.py", SMALL + ALONE)
        subject = system_subject(
            suites.path, tmp_path, url=tiny_upstream.url, sample_requests=20, **QUICK
        )
        looks = TargetLooks([suites.path], subject.settings, SystemClock(), subject.give_up)
        run = looks.look(full=True, light=[])
        light = looks.light_of(run, [])
        assert light == ["health.test_text"]
        before = len(tiny_upstream.seen)
        assert before > 20
        looks.look(full=False, light=light)
        assert tiny_upstream.seen[before:] == [("GET", "/json"), ("GET", "/text")]
        assert looks.close(thoroughly=True) == []


def test_suites_that_cannot_answer_are_not_watched_for_hours(
    watching: Commands, free_url: str
) -> None:
    (watching.folder / "suites/test_small_watch.py").write_text("import nothing_of_that_name")
    done = watching.smokegate("watch", watching.folder / "suites", "--url", free_url)
    assert done.code == 2
    assert "ModuleNotFoundError: No module named 'nothing_of_that_name'" in done.err


def test_a_second_watch_of_the_same_is_refused(
    watching: Commands, tiny_upstream: TinyUpstream
) -> None:
    with watch(watching, tiny_upstream.url, "--for", "1h") as process:
        read_until(process, "full")
        again = watching.smokegate(
            "watch", watching.folder / "suites", "--url", tiny_upstream.url, "--for", "1h"
        )
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert (again.code, again.out) == (2, "")
    assert again.err == "smokegate: watch: another process watches this deployment already\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--for", "10"), "watch: --for is shorter than --every"),
        (("--every", "soon"), "'soon' is not like 90s, 5m or 2h"),
        (("--objective", "100"), "100 is not between 0 and 100"),
        (("--full-every", "0"), "0 is not from 1 to 10000"),
    ],
)
def test_wrong_use_is_said_in_a_line(
    watching: Commands, free_url: str, options: tuple[str, ...], words: str
) -> None:
    done = watching.smokegate("watch", "--url", free_url, *options)
    assert done.code == 2
    assert words in done.err
