"""From where targets have let a run in, as a later run finds it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from smokegate.places import FILE_NAME, known, remember

URL = "https://api.example.com"


def test_what_was_remembered_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "journal"
    assert known(folder, URL) == frozenset()
    assert remember(folder, URL, {"192.0.2.9"}) == ""
    assert remember(folder, URL, {"2001:db8::9", "192.0.2.10"}) == ""
    assert known(folder, URL) == {"192.0.2.9", "192.0.2.10", "2001:db8::9"}


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://api.example.com:443", True),
        ("https://api.example.com/v1", True),
        ("https://api.example.com:8443", False),
        ("http://api.example.com", False),
        ("https://example.com", False),
    ],
)
def test_a_target_is_a_host_and_a_port(tmp_path: Path, url: str, same: bool) -> None:
    remember(tmp_path, URL, {"192.0.2.9"})
    assert bool(known(tmp_path, url)) is same


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    assert remember(tmp_path, URL, set()) == ""
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_ours_alone_and_whole(tmp_path: Path) -> None:
    remember(tmp_path, URL, {"192.0.2.9"})
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"places": 7}',
        b'{"places": [["a"]]}',
        b'{"places": [["api.example.com:443", 7]]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"places": [' + b'["x:1","192.0.2.9"],' * 100_000,
    ],
    ids=lambda content: content[:24].decode("latin-1"),
)
def test_what_cannot_be_read_is_not_known_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    assert known(tmp_path, URL) == frozenset()
    assert remember(tmp_path, URL, {"192.0.2.9"}) == ""
    assert known(tmp_path, URL) == {"192.0.2.9"}


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    for number in range(11):
        remember(tmp_path, f"https://{number}.example.com", {f"192.0.2.{n}" for n in range(100)})
    assert known(tmp_path, "https://0.example.com") == frozenset()
    assert len(known(tmp_path, "https://1.example.com")) == 100


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    folder = tmp_path / "journal"
    folder.mkdir()
    (folder / FILE_NAME).symlink_to(elsewhere)
    remember(folder, URL, {"192.0.2.9"})
    assert elsewhere.read_text() == "mine"
    assert known(folder, URL) == {"192.0.2.9"}


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    note = remember(tmp_path / "journal", URL, {"192.0.2.9"})
    path = tmp_path / "journal" / FILE_NAME
    assert note.startswith(f"that the target lets us in was not noted in {path}: ")
    assert "\n" not in note


def test_nothing_unfinished_stays(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()  # nothing can be put in its place
    assert remember(tmp_path, URL, {"192.0.2.9"})
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
