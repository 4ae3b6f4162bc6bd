"""How a run ends that is told to end, or that a check does not let end."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.system.accounts import is_there
from tests.system.command import BIN, Commands, wait_for_a_creation
from tests.system.lattice_process import LatticeProcess

INCONCLUSIVE = 30
SMOKEGATE = BIN / "smokegate"
ENDING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
HEADER = "import asyncio, time\nfrom pathlib import Path\nfrom smokegate import HealthSuite\n"
BLOCKS = """
class TestHealth(HealthSuite):
    async def test_blocks(self):
        Path(__file__).with_suffix(".begun").touch()
        {}
"""
SLEEPS, SPINS = "time.sleep(10**6)", "while True: pass"
REFUSES = """
class TestHealth(HealthSuite):
    async def test_refuses(self):
        Path(__file__).with_suffix(".begun").touch()
        while True:
            try:
                await asyncio.sleep(10**6)
            except BaseException:
                pass
"""


@pytest.fixture
def hasty(commands: Commands) -> Commands:
    """The same, with a second for the checks and one for the clean-up."""
    for key in ("WAIT_S", "RUN_TIMEOUT_S", "CLEANUP_TIMEOUT_S"):
        commands.environment[f"SMOKEGATE_{key}"] = "1"
    return commands


@pytest.mark.sampled(1)
@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_a_run_after_its_clean_up(
    commands: Commands, lattice: LatticeProcess, number: signal.Signals
) -> None:
    with commands.start(SMOKEGATE, "run") as process:
        made = wait_for_a_creation(commands, process)
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == INCONCLUSIVE, out + err
    assert commands.last_run.interrupted == number.name
    assert "Traceback" not in out + err
    assert not commands.last_run.leftovers
    assert not list(commands.journal.glob("*.journal"))
    assert not [email for email in made if is_there(email, lattice)]


def test_a_signal_that_is_told_twice_is_one(commands: Commands) -> None:
    with commands.start(SMOKEGATE, "run") as process:
        wait_for_a_creation(commands, process)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert process.returncode == INCONCLUSIVE, out + err
    assert commands.last_run.interrupted in ("SIGHUP", "SIGTERM")
    assert not list(commands.journal.glob("*.journal"))


def test_a_signal_that_was_ignored_at_the_start_stays_so(commands: Commands) -> None:
    with commands.start("nohup", SMOKEGATE, "run") as process:
        wait_for_a_creation(commands, process)
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert commands.last_run.interrupted == ""


def test_a_check_that_blocks_cannot_outlast_the_time_limit(hasty: Commands, tmp_path: Path) -> None:
    done = hasty.smokegate("run", written(tmp_path, BLOCKS.format(SLEEPS)))
    assert done.code == INCONCLUSIVE, done.text
    assert_one_line(done.err, "health.test_blocks (test_it.py:8) did not let the run end in 13 s")


@pytest.mark.long
def test_a_check_that_blocks_cannot_outlast_a_signal(commands: Commands, tmp_path: Path) -> None:
    suite = written(tmp_path, BLOCKS.format(SPINS))
    with commands.start(SMOKEGATE, "run", suite) as process:
        wait_for_the_check(suite, process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    assert process.returncode == INCONCLUSIVE
    words = "health.test_blocks (test_it.py:8) did not let the run end within 6 s of SIGTERM"
    assert_one_line(err, words)


def test_a_second_signal_ends_a_run_at_once(commands: Commands, tmp_path: Path) -> None:
    suite = written(tmp_path, BLOCKS.format(SLEEPS))
    with commands.start(SMOKEGATE, "run", suite) as process:
        wait_for_the_check(suite, process)
        while process.poll() is None:  # the first to come a second after the first of all
            process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == INCONCLUSIVE
    assert_one_line(err, "SIGINT, the second signal, ended the run at once")


@pytest.mark.long
def test_a_second_signal_leaves_no_lattice_of_the_demo_behind(commands: Commands) -> None:
    with commands.start(SMOKEGATE, "demo") as process:
        assert process.stdout is not None
        out = process.stdout.readline() + process.stdout.readline()
        url = re.findall(r"https://127\.0\.0\.1:\d+", out)[0]
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == INCONCLUSIVE, err
    refused = commands.smokegate("run", "--url", url, "-k", "running", "--wait=0")
    assert "connection refused" in refused.text


@pytest.mark.long
def test_a_check_that_refuses_to_end_costs_no_report(hasty: Commands, tmp_path: Path) -> None:
    done = hasty.smokegate("run", written(tmp_path, REFUSES), "--json", tmp_path / "run.json")
    assert done.code == INCONCLUSIVE, done.text
    assert done.err == ""
    assert hasty.outcomes == {"health.test_refuses": "unknown"}
    assert (tmp_path / "run.json").exists()


def test_a_thread_that_does_not_end_delays_nothing(commands: Commands, tmp_path: Path) -> None:
    body = "await asyncio.wait_for(asyncio.to_thread(time.sleep, 10**6), 0.1)"
    done = commands.smokegate("run", written(tmp_path, BLOCKS.format(body)))
    assert done.code == INCONCLUSIVE, done.text
    assert "TimeoutError" in commands.last_run.checks[0].reason


@pytest.mark.long
def test_a_blocked_pytest_session_ends_as_an_interrupted_one(
    hasty: Commands, tmp_path: Path
) -> None:
    done = hasty.pytest(written(tmp_path, BLOCKS.format(SLEEPS)))
    assert done.code == pytest.ExitCode.INTERRUPTED, done.text
    assert "health.test_blocks (test_it.py:8) did not let the run end" in done.err


def written(folder: Path, body: str) -> Path:
    """Write a suite file."""
    path = folder / "test_it.py"
    path.write_text(HEADER + body)
    return path


def wait_for_the_check(suite: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the check of a suite file has begun."""
    while not suite.with_suffix(".begun").exists():
        assert process.poll() is None, process.communicate()


def assert_one_line(err: str, words: str) -> None:
    (line,) = err.splitlines()
    assert line.startswith(f"smokegate: {words}: no verdict; ")
