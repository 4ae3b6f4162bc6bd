"""The journal: on the disk before the request, readable whatever happens to the run."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from smokegate.errors import JournalError
from smokegate.journal import Abandoned, Creation, Header, Journal, abandoned, folder

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="no such limits on Windows")


def header(run_id: str = "20260101-000000-abcdef") -> Header:
    return Header(run_id=run_id, url="https://api.example.com", ca_file="", suites=["tests/smoke"])


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def only_file(place: Path) -> Path:
    (path,) = place.glob("*.journal")
    return path


def names_in(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def taken_over(place: Path) -> list[Abandoned]:
    dead = list(abandoned(place))
    assert all(isinstance(each, Abandoned) for each in dead), dead
    return [each for each in dead if isinstance(each, Abandoned)]


def errors(place: Path) -> list[str]:
    found = []
    for each in abandoned(place):
        if isinstance(each, JournalError):
            found.append(str(each))
        else:
            each.close()
    return found


def creation(entry: int, name: str, **more: object) -> str:
    return json.dumps({"entry": entry, "kind": "account", "name": name, **more}) + "\n"


def write_dead(place: Path, *lines: str, run_id: str = "dead") -> Path:
    path = place / f"{run_id}.journal"
    first = {"run_id": run_id, "url": "https://api.example.com", "ca_file": "", "suites": []}
    path.write_text(json.dumps(first) + "\n" + "".join(lines))
    return path


async def test_an_intent_is_on_the_disk_when_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    fsync = os.fsync

    def counted(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    book = Journal(tmp_path, header())
    assert await book.intend("account", "anna", "health.test_a#1") == 0
    size = only_file(tmp_path).stat().st_size
    assert flushed[-1] == size
    first, second = lines_of(only_file(tmp_path))
    assert first["run_id"] == "20260101-000000-abcdef"
    assert first["format"] == 1
    assert (second["kind"], second["name"], second["made"]) == ("account", "anna", None)
    assert second["owner"] == "health.test_a#1"
    book.close()


async def test_intents_that_arrive_together_are_flushed_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Journal(tmp_path, header())
    await book.intend("account", "the file is made", "x")
    flushes, begun, held = 0, threading.Event(), threading.Event()
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        nonlocal flushes
        flushes += 1
        begun.set()
        held.wait()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    first = asyncio.create_task(book.intend("account", "first", "x"))
    await asyncio.to_thread(begun.wait)
    others = [asyncio.create_task(book.intend("account", f"{n}", "x")) for n in range(50)]
    await asyncio.sleep(0)
    held.set()
    assert await asyncio.gather(first, *others) == list(range(1, 52))
    assert flushes == 2
    assert len(lines_of(only_file(tmp_path))) == 1 + 52
    book.close()


async def test_no_file_is_made_where_nothing_is_created(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", header()).close()
    assert names_in(tmp_path) == []


@posix_only
async def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    place = tmp_path / "state" / "journal"
    book = Journal(place, header())
    await book.intend("account", "anna", "x")
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE(only_file(place).stat().st_mode) == 0o600
    book.close()


async def test_it_stays_while_something_may_be_left(tmp_path: Path) -> None:
    book = Journal(tmp_path, header())
    for name in ("answered", "unanswered", "refused"):
        await book.intend("account", name, "x")
    book.settle(0, True)
    book.settle(1, None)
    book.settle(2, False)
    assert [each.name for each in book.pending] == ["unanswered", "answered"]
    book.close()
    (dead,) = taken_over(tmp_path)
    assert [each.name for each in dead.pending] == ["unanswered", "answered"]
    dead.close()


async def test_it_goes_when_everything_is_removed(tmp_path: Path) -> None:
    book = Journal(tmp_path, header())
    await book.intend("account", "anna", "x")
    book.settle(0, True)
    book.removed(book.creations[0])
    book.close()
    assert names_in(tmp_path) == []


async def test_what_is_removed_is_written_down(tmp_path: Path) -> None:
    book = Journal(tmp_path, header())
    for name in ("removed", "left"):
        await book.intend("account", name, "x")
    book.removed(book.creations[0])
    book.close()
    (dead,) = taken_over(tmp_path)
    assert [(each.name, each.removed) for each in dead.creations] == [
        ("removed", True),
        ("left", False),
    ]
    dead.close()


async def test_a_file_that_cannot_be_removed_is_nobodys_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Journal(tmp_path, header())
    await book.intend("account", "anna", "x")
    book.removed(book.creations[0])
    monkeypatch.setattr(Path, "unlink", refused)
    book.close()  # an error in the writer thread would warn here, and warnings are errors
    assert len(names_in(tmp_path)) == 1


def refused(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


async def test_a_run_that_never_closes_its_journal_can_end(tmp_path: Path) -> None:
    book = Journal(tmp_path, header())
    await book.intend("account", "anna", "x")
    (writer,) = (each for each in threading.enumerate() if each.name == "journal")
    assert writer.daemon
    book.close()


async def test_an_intent_that_was_given_up_is_not_pending(tmp_path: Path) -> None:
    book = Journal(tmp_path, header())
    task = asyncio.create_task(book.intend("account", "anna", "x"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert book.pending == []
    book.close()


async def test_nobody_is_told_of_an_intent_that_was_given_up(tmp_path: Path) -> None:
    troubles: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
    book = Journal(tmp_path, header())
    task = asyncio.create_task(book.intend("account", "anna", "x"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await book.intend("account", "bert", "x")  # what the writer says comes in order
    assert troubles == []
    book.close()


@pytest.mark.parametrize(
    "changes", [{"ca_file": "/etc/ca-\udcff.pem"}, {"suites": ["tests/\udcff"]}]
)
async def test_a_path_that_is_no_text_is_said_and_waits_for_nobody(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    book = Journal(tmp_path, msgspec.structs.replace(header(), **changes))
    for _ in range(2):
        with pytest.raises(JournalError, match="surrogates not allowed"):
            await book.intend("account", "anna", "x")
    book.close()
    assert names_in(tmp_path) == []


async def test_a_name_that_cannot_be_written_is_not_pending(tmp_path: Path) -> None:
    book = Journal(tmp_path, header())
    with pytest.raises(UnicodeEncodeError):
        await book.intend("account", "half a pair \ud800", "x")
    assert book.pending == []
    assert await book.intend("account", "anna", "x") == 1
    book.close()


@pytest.mark.parametrize("place", ["a file", "/dev/null", "/proc/nowhere"])
async def test_a_place_that_cannot_be_written_says_so(place: str, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("in the way")
    book = Journal(tmp_path / place / "journal", header())
    path = tmp_path / place / "journal" / "20260101-000000-abcdef.journal"
    for _ in range(2):
        with pytest.raises(JournalError) as caught:
            await book.intend("account", "anna", "x")
        assert str(caught.value) in {
            f"journal {path}: {words}" for words in ("Not a directory", "No such file or directory")
        }
    assert book.pending == []
    book.close()


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from smokegate.errors import JournalError
from smokegate.journal import Header, Journal

async def main(place, allowed):
    book = Journal(place, Header(run_id="full", url="https://x", ca_file="", suites=[]))
    if allowed:
        await book.intend("account", "before", "x")
        book.settle(0, True)
        size = sum(path.stat().st_size for path in place.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, -1))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, -1))
    for name in ("during", "after"):
        try:
            await book.intend("account", name * 30, "x")
        except JournalError as error:
            print(error)
        # There is room again, but behind half a line nothing can be read.
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    print([each.name for each in book.pending])
    if "remove" in sys.argv:
        for each in book.pending:
            book.removed(each)
    book.close()
    print(sorted(path.suffix for path in place.iterdir()))

asyncio.run(main(Path(sys.argv[1]), "allowed" in sys.argv))
"""


def limited(place: Path, *words: str) -> list[str]:
    command = [sys.executable, "-W", "error", "-c", LIMITED, str(place), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@posix_only
def test_a_full_disk_fails_the_intent_and_keeps_what_was_written(tmp_path: Path) -> None:
    *refused, pending, files = limited(tmp_path, "allowed")
    assert [line.partition(": ")[2] for line in refused] == ["File too large"] * 2
    assert (pending, files) == ("['before']", "['.journal']")
    (dead,) = taken_over(tmp_path)
    assert [each.name for each in dead.pending] == ["before"]
    dead.close()


@posix_only
def test_a_full_disk_does_not_keep_a_journal_of_nothing(tmp_path: Path) -> None:
    assert limited(tmp_path, "allowed", "remove")[-1] == "[]"


@posix_only
def test_a_disk_that_is_full_from_the_start_leaves_nothing(tmp_path: Path) -> None:
    *refused, pending, files = limited(tmp_path)
    assert [line.partition(": ")[2] for line in refused] == ["File too large"] * 2
    assert (pending, files) == ("[]", "[]")


ALIVE = """
import asyncio, sys
from pathlib import Path
from smokegate.journal import Header, Journal

async def main(place, run_id):
    header = Header(run_id=run_id, url="https://x", ca_file="", suites=[])
    book = Journal(place, header)
    for number in range(3):
        await book.intend("account", f"{run_id} {number}", "x")
    print("ready", flush=True)
    sys.stdin.readline()
    for creation in book.pending:
        book.removed(creation)
    book.close()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


def living(place: Path, run_id: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ALIVE, str(place), run_id]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@posix_only
def test_the_living_are_passed_by_and_the_killed_taken_over(tmp_path: Path) -> None:
    with living(tmp_path, "killed") as killed, living(tmp_path, "alive") as alive:
        assert taken_over(tmp_path) == []
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        (dead,) = taken_over(tmp_path)
        assert dead.header.run_id == "killed"
        assert [each.name for each in dead.pending] == [f"killed {n}" for n in (2, 1, 0)]
        for each in dead.pending:
            dead.removed(each)
        dead.close()
        assert names_in(tmp_path) == ["alive.journal"]
        alive.communicate("go\n")
    assert alive.returncode == 0
    assert names_in(tmp_path) == []


async def test_two_sweeps_at_once_do_not_share_a_journal(tmp_path: Path) -> None:
    write_dead(tmp_path, creation(0, "anna"))
    (first,) = taken_over(tmp_path)
    assert taken_over(tmp_path) == []
    first.close()
    (second,) = taken_over(tmp_path)
    second.close()


async def test_a_torn_last_line_was_never_requested(tmp_path: Path) -> None:
    write_dead(tmp_path, creation(0, "anna"), creation(1, "bert"), '{"entry":2,"kin')
    (dead,) = taken_over(tmp_path)
    assert [each.name for each in dead.pending] == ["bert", "anna"]
    dead.removed(dead.pending[0])
    assert lines_of(dead.path)[-1]["removed"] is True  # on the disk, not in a buffer
    dead.close()
    # What was written behind the torn line can be read the next time.
    (again,) = taken_over(tmp_path)
    assert [each.name for each in again.pending] == ["anna"]
    again.removed(again.pending[0])
    again.close()
    assert names_in(tmp_path) == []


def test_what_a_journal_does_not_say_is_not_made_up(tmp_path: Path) -> None:
    write_dead(tmp_path, creation(0, "anna"))
    (dead,) = taken_over(tmp_path)
    assert (dead.header.password_check, dead.pending[0].owner) == ("", "")
    dead.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"not a journal",
        b"\xff\xfe\x00",
        b'{"run_id": "\xff"}\n',
        b'{"added":' + b"[" * 100_000,
        b'{"run_id": "x"}\n',
        b'{"format":2,"run_id":"x","url":"https://x","ca_file":"","suites":[]}\n',
        b'{"run_id":"x","url":"https://x","ca_file":"","suites":[]}\nbroken\n' + b'{"entry":0}\n',
    ],
    ids=["empty", "blank", "text", "bytes", "charset", "deep", "short", "newer", "broken"],
)
def test_a_foreign_or_newer_journal_is_reported_and_stays(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.journal"
    path.write_bytes(content)
    (error,) = errors(tmp_path)
    assert error.startswith(f"{path} is not a journal that this version can read: ")
    assert path.read_bytes() == content


def test_the_format_of_a_newer_journal_is_said(tmp_path: Path) -> None:
    newer = {"format": 2, "run_id": "x", "url": "https://x", "ca_file": "", "suites": []}
    (tmp_path / "newer.journal").write_text(json.dumps(newer) + "\n")
    (error,) = errors(tmp_path)
    assert error.endswith("can read: its format is 2")


@posix_only
def test_what_cannot_be_opened_is_reported_and_the_rest_taken_over(tmp_path: Path) -> None:
    (tmp_path / "a.journal").mkdir()
    write_dead(tmp_path, creation(0, "anna"))
    error, dead = abandoned(tmp_path)
    assert str(error) == f"{tmp_path / 'a.journal'}: Is a directory"
    assert isinstance(dead, Abandoned)
    assert [each.name for each in dead.pending] == ["anna"]
    dead.close()


async def test_what_a_killed_creation_left_does_no_harm(tmp_path: Path) -> None:
    left = tmp_path / "dead.new"
    left.write_text("half a head")
    assert list(abandoned(tmp_path)) == []
    book = Journal(tmp_path, header())
    await book.intend("account", "anna", "x")
    book.close()
    assert left.exists()


def test_dead_runs_are_taken_over_in_the_order_of_their_names(tmp_path: Path) -> None:
    for run_id in ("d", "a", "f", "c", "e", "b"):
        write_dead(tmp_path, creation(0, "anna"), run_id=run_id)
    dead = taken_over(tmp_path)
    assert [each.header.run_id for each in dead] == ["a", "b", "c", "d", "e", "f"]
    for each in dead:
        each.close()


def test_a_folder_that_is_not_there_holds_no_dead_runs(tmp_path: Path) -> None:
    assert list(abandoned(tmp_path / "nowhere")) == []


async def test_two_runs_at_once_write_files_of_their_own(tmp_path: Path) -> None:
    books = [Journal(tmp_path, header(run_id)) for run_id in ("a", "b")]
    await asyncio.gather(*(book.intend("account", "anna", "x") for book in books))
    for book in books:
        book.settle(0, True)
    books[0].removed(books[0].creations[0])
    for book in books:
        book.close()
    assert names_in(tmp_path) == ["b.journal"]


async def test_nothing_is_left_open(tmp_path: Path) -> None:
    book = Journal(tmp_path, header())
    await book.intend("account", "anna", "x")
    book.close()
    for each in taken_over(tmp_path):
        each.close()
    gc.collect()  # a file that nobody closed would warn here, and warnings are errors


@posix_only
def test_its_folder_is_the_users_state_folder_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert folder("") == Path("/state/smokegate/journal")
    assert folder("/set") == Path("/set")
    monkeypatch.delenv("XDG_STATE_HOME")
    assert folder("") == Path.home() / ".local/state/smokegate/journal"


@posix_only
def test_its_folder_on_windows_is_in_the_local_application_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", "/data")
    assert folder("") == Path("/data/smokegate/journal")
    monkeypatch.delenv("LOCALAPPDATA")
    assert folder("") == Path.home() / "AppData/Local/smokegate/journal"


def test_a_creation_may_exist_until_it_is_known_not_to() -> None:
    states = [
        Creation(entry=0, kind="a", name="b", made=made, removed=removed).may_exist
        for made in (None, True, False)
        for removed in (False, True)
    ]
    assert states == [True, False, True, False, False, False]
