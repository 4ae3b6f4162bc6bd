"""One process has a watch at a time, and a file says how far it has come."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import msgspec
import pytest
from smokegate.errors import UsageError
from smokegate.file_lock import lock
from smokegate.settings import Settings
from smokegate.watch.memory import Memory


def memory(folder: Path, **changes: str) -> Memory:
    known = Settings(url="https://api.example.com", journal=str(folder))
    return Memory(msgspec.structs.replace(known, **changes))


def test_two_watches_of_one_deployment_exclude_each_other(tmp_path: Path) -> None:
    with memory(tmp_path).held():
        with (
            pytest.raises(UsageError, match="another process watches this deployment"),
            memory(tmp_path).held(),
        ):
            pass
        with memory(tmp_path, expect_version="2").held(), memory(tmp_path, environment="x").held():
            pass
    with memory(tmp_path).held():
        pass
    assert list((tmp_path / "watches").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "watches").write_text("")
    with pytest.raises(UsageError, match=r"\.lock cannot be written: "), memory(tmp_path).held():
        pass


def test_a_lock_that_its_holder_has_just_removed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(file: IO[bytes]) -> bool:
        memory(tmp_path).path.with_suffix(".lock").unlink()
        return lock(file)

    monkeypatch.setattr("smokegate.watch.memory.lock", late)
    with pytest.raises(UsageError, match="another process"), memory(tmp_path).held():
        pass
