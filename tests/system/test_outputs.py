"""What a run writes to may be full, closed, in the way or of few letters: its exit code stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from smokegate.results import from_json

from tests.system.command import BIN, Commands
from tests.system.disks import may_mount, on_a_disk

INCONCLUSIVE = 30
SMOKEGATE = BIN / "smokegate"
RUN = (SMOKEGATE, "run", "-k", "login or database", "--wait=0")
NO_SPACE = "No space left on device"

mounts = pytest.mark.skipif(not may_mount(), reason="no right to make namespaces")
full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")


def on_a_full_disk(folder: Path) -> Sequence[str]:
    """What begins a command so that it finds a disk without any room at `folder`."""
    folder.mkdir()
    fill = 'head -c 4096 /dev/zero >"$0/ballast" && exec "$@"'
    return (*on_a_disk(folder, size_kib=4), "sh", "-c", fill, str(folder))


@mounts
def test_a_journal_without_room_sends_no_creation(commands: Commands) -> None:
    done = commands(*on_a_full_disk(commands.journal), *RUN)
    assert done.code == INCONCLUSIVE, done.text
    assert commands.outcomes == {
        "health.test_database_connection": "passed",
        "workflows.test_user_login_flow": "unknown",
    }
    (login,) = (check for check in commands.last_run.checks if check.suite == "workflows")
    assert NO_SPACE in login.reason
    sent = {each.method for tried in login.attempts for each in tried.exchanges}
    assert "POST" not in sent


@mounts
def test_results_without_room_are_absent_and_said(commands: Commands) -> None:
    done = commands(*on_a_full_disk(commands.results), *listed(commands.results))
    assert done.code == 0, done.text
    assert done.err == f"smokegate: results were not written: {commands.results}: {NO_SPACE}\n"
    assert done.out.splitlines()[-1] == "ballast"


@mounts
def test_results_that_can_only_be_read_are_said(commands: Commands) -> None:
    commands.results.mkdir()
    mount = 'mount -t tmpfs -o ro none "$0" && exec "$@"'
    done = commands("unshare", "-Urm", "sh", "-c", mount, commands.results, *RUN)
    assert done.code == 0, done.text
    (line,) = done.err.splitlines()
    assert line.endswith(": Read-only file system")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("option", ["--results", "--json", "--save-baseline"])
def test_a_place_that_cannot_be_is_said(commands: Commands, tmp_path: Path, option: str) -> None:
    (tmp_path / "file").touch()
    done = commands(SMOKEGATE, "run", "--wait=0", option, tmp_path / "file" / "below")
    assert done.code == 0, done.text
    (line,) = done.err.splitlines()
    what = "results were" if option == "--results" else f"{tmp_path / 'file' / 'below'} was"
    assert line.startswith(f"smokegate: {what} not written: ")


@full_device
@pytest.mark.parametrize("arguments", ["", "--json -", "--json /dev/full", "--list"])
def test_a_full_disk_under_the_output_is_said(commands: Commands, arguments: str) -> None:
    done = commands("sh", "-c", f"{SMOKEGATE} run -k database {arguments} >/dev/full")
    assert done.code == 0, done.text
    assert NO_SPACE in done.err
    assert "Traceback" not in done.err


@full_device
@pytest.mark.parametrize("command", ["sweep", "--help", "--version"])
def test_a_full_disk_under_the_output_of_others(commands: Commands, command: str) -> None:
    done = commands("sh", "-c", f"{SMOKEGATE} {command} >/dev/full 2>/dev/full")
    assert done.code == 0


@full_device
def test_an_answer_that_could_not_be_written_is_none(commands: Commands) -> None:
    commands.environment["SMOKEGATE_HISTORY"] = f"sqlite:///{commands.folder / 'history.db'}"
    done = commands("sh", "-c", f"{SMOKEGATE} history list >/dev/full")
    assert done.code == 1, done.text
    assert NO_SPACE in done.err


@pytest.mark.sampled(1)
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(commands: Commands, closed: str) -> None:
    done = commands("sh", "-c", f"{SMOKEGATE} run --wait=0 {closed}")
    assert done.code == 0, done.text
    assert done.text == "" or closed in (">&-", "2>&-")
    assert commands.last_run.verdict.action.value == "proceed"
    assert not list(commands.journal.glob("*.journal"))


@pytest.mark.sampled(1)
@pytest.mark.parametrize("arguments", ["run -k database", "run -k database --json -", "run --list"])
def test_readers_that_have_gone_change_nothing(commands: Commands, arguments: str) -> None:
    with commands.start(SMOKEGATE, *arguments.split()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # before anything is written
        err = process.stderr.read()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    with commands.start(SMOKEGATE, *arguments.split()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
    assert process.returncode == 0


ASCII = [
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "cp1252"},
]


@pytest.mark.parametrize("environment", ASCII, ids=str)
def test_any_encoding_will_do(commands: Commands, environment: dict[str, str]) -> None:
    commands.environment |= environment
    done = commands(*RUN, "-v", "--results", commands.folder / "Prüfung ✓")
    assert done.code == 0, done.text
    assert done.err == ""
    (file,) = (commands.folder / "Prüfung ✓").glob("run_*.json")
    assert from_json(file.read_bytes()).verdict.action.value == "proceed"


@mounts
def test_a_folder_for_passing_files_without_room_is_done_without(
    commands: Commands, tmp_path: Path
) -> None:
    passing = tmp_path / "passing"
    commands.environment["TMPDIR"] = str(passing)
    assert commands(*on_a_full_disk(passing), *RUN).code == 0


def listed(folder: Path) -> Sequence[str | Path]:
    """The run, and after it what lies in a folder that only it sees."""
    return ("sh", "-c", '"$@"; code=$?; ls -A "$0"; exit $code', folder, *RUN)
