"""`smokegate sweep`: what killed runs left goes, and nothing else."""

from __future__ import annotations

import signal

import pytest
from smokegate.fault_proxy import Answer, Fault, FaultProxy
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.gate.reports.hostile import is_command, is_harmless
from tests.system.accounts import is_there, register
from tests.system.command import BIN, SUITES, Commands, wait_for_a_creation
from tests.system.lattice_process import LatticeProcess


def kill_a_run(commands: Commands) -> list[str]:
    """Kill a run that has made something, and give the names of what it wanted to make."""
    with commands.start(BIN / "smokegate", "run") as process:
        made = wait_for_a_creation(commands, process)
        process.kill()
    return made


def test_it_removes_what_sigkill_left_and_only_that(
    commands: Commands, lattice: LatticeProcess
) -> None:
    others = ("kept@example.com", "smoketest-not-of-a-run@example.com")
    for email in others:
        register(email, lattice)
    made = kill_a_run(commands)
    assert any(is_there(email, lattice) for email in made)
    done = commands.smokegate("sweep", SUITES)
    assert done.code == 0, done.text
    assert not list(commands.journal.glob("*.journal"))
    assert not [email for email in made if is_there(email, lattice)]
    assert all(is_there(email, lattice) for email in others)


def test_it_passes_by_a_run_that_lives(commands: Commands, lattice: LatticeProcess) -> None:
    with commands.start(BIN / "smokegate", "run") as process:
        made = wait_for_a_creation(commands, process)
        process.send_signal(signal.SIGSTOP)
        swept = commands.smokegate("sweep", SUITES)
        still_there = any(is_there(email, lattice) for email in made)
        journals = list(commands.journal.glob("*.journal"))
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate()
    assert swept.code == 0, swept.text
    assert still_there
    assert len(journals) == 1
    assert process.returncode == 0, out + err


def test_it_says_what_it_could_not_remove(commands: Commands, free_url: str) -> None:
    kill_a_run(commands)
    (journal,) = commands.journal.glob("*.journal")
    target = commands.environment["PRODUCTION_URL"]
    journal.write_bytes(journal.read_bytes().replace(target.encode(), free_url.encode()))
    done = commands.smokegate("sweep", SUITES, "--url", free_url)
    assert done.code == 1
    assert "left: account" in done.err
    assert journal.exists()


@pytest.mark.long
def test_the_target_of_runs_does_not_narrow_it(commands: Commands, free_url: str) -> None:
    made = kill_a_run(commands)
    url, commands.environment["PRODUCTION_URL"] = commands.environment["PRODUCTION_URL"], free_url
    elsewhere = commands.smokegate("sweep", SUITES, "--url", free_url)
    assert (elsewhere.code, elsewhere.out) == (0, "nothing of ours is left\n")
    assert list(commands.journal.glob("*.journal"))
    done = commands.smokegate("sweep", SUITES)
    assert done.code == 0, done.text
    assert made
    assert done.out.startswith("removing what run ")
    assert f" left at {url} ..." in done.out
    assert not list(commands.journal.glob("*.journal"))


def test_what_the_target_says_while_it_sweeps_cannot_act(
    commands: Commands, lattice: LatticeProcess, certificates: Certificates
) -> None:
    kill_a_run(commands)
    (journal,) = commands.journal.glob("*.journal")
    hostile = Answer(500, b'{"detail": "\x1b[2J ##vso[task.x] ##[error]boo"}')
    with LoopThread() as loop:
        proxy = FaultProxy(lattice.upstream, Fault(hostile), tls=certificates.good().context())
        url = loop.keep(proxy).url
        target = commands.environment["PRODUCTION_URL"]
        journal.write_bytes(journal.read_bytes().replace(target.encode(), url.encode()))
        done = commands.smokegate("sweep", SUITES)
    assert done.code == 1
    assert "left: account" in done.err
    assert is_harmless(done.err)
    assert not any(map(is_command, done.err.splitlines()))


@pytest.mark.long
def test_with_another_password_it_removes_and_forgets_nothing(
    commands: Commands, lattice: LatticeProcess
) -> None:
    made = kill_a_run(commands)
    commands.environment["TEST_PASSWORD"] = "another-one-9!"
    done = commands.smokegate("sweep", SUITES)
    assert done.code == 1, done.text
    assert "TEST_PASSWORD" in done.err
    del commands.environment["TEST_PASSWORD"]
    assert commands.smokegate("sweep", SUITES).code == 0
    assert not [email for email in made if is_there(email, lattice)]
