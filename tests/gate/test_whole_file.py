"""Files that are whole or absent."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from smokegate.whole_file import write_named, write_whole


@pytest.mark.parametrize("write", [write_named, write_whole])
def test_what_was_there_is_replaced_or_stays(
    write: Callable[[Path, bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    for content in b"a long content", b"short":
        write(path, content)
        assert path.read_bytes() == content

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, b"unfinished")
    assert path.read_bytes() == b"short"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_can_be_for_its_owner_alone(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"", mode=0o600)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_what_a_dead_process_left_aside_is_in_nobodys_way(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / f".file.{os.getpid()}.part").symlink_to(elsewhere)
    write_whole(tmp_path / "file", b"content")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", "file"]
    assert elsewhere.read_text() == "mine"


def test_a_link_is_followed_where_a_person_named_it(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.touch()
    link.symlink_to(real)
    write_named(link, b"content")
    assert (link.is_symlink(), real.read_bytes()) == (True, b"content")
    write_whole(link, b"other")
    assert (link.is_symlink(), real.read_bytes()) == (False, b"content")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    # A pipe of the test's own: a device of the machine would be gone if this went wrong.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_named(pipe, b"content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
