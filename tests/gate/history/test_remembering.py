"""Remembering: in the database, or in a file until it is there again."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from smokegate.errors import HistoryError
from smokegate.history import remembering
from smokegate.history.queries import runs
from smokegate.history.remembering import opened, remember, url_of
from smokegate.history.store import Store
from smokegate.results import JudgedRun, to_json
from smokegate.settings import Settings

from tests.gate.history.runs import failing, run

AWAY = "postgresql://somebody:hunter22@127.0.0.1:1/history"


@pytest.fixture
def here(tmp_path: Path, url: str) -> Settings:
    """Settings whose history is there."""
    return Settings(history=url, journal=str(tmp_path / "journal"))


@pytest.fixture
def away(tmp_path: Path) -> Settings:
    """The same, but for the history, which is away."""
    return Settings(history=AWAY, journal=str(tmp_path / "journal"))


def spool(settings: Settings) -> Path:
    return Path(settings.journal) / "not-yet-remembered"


def kept(settings: Settings) -> list[str]:
    store = opened(settings.history)
    with store.reading() as connection:
        found = [each.run_id for each in runs(connection).runs]
    store.close()
    return sorted(found)


def test_a_run_is_remembered_and_nothing_is_said(here: Settings) -> None:
    assert remember(run(1), here).trouble == ""
    assert remember(run(1), here).trouble == ""
    assert kept(here) == ["run-000001"]
    assert not spool(here).exists()


def test_nowhere_remembers_nothing(tmp_path: Path) -> None:
    settings = Settings(history="none", journal=str(tmp_path / "journal"))
    assert remember(run(1), settings).trouble == ""
    assert list(tmp_path.iterdir()) == []


def test_unless_told_the_history_is_a_file_in_the_state_folder(tmp_path: Path) -> None:
    settings = Settings(journal=str(tmp_path / "state"))
    assert url_of(settings) == f"sqlite:///{tmp_path / 'state' / 'history.db'}"
    assert remember(run(1), settings).trouble == ""
    assert (tmp_path / "state" / "history.db").is_file()


def test_what_cannot_be_stored_is_kept_and_taken_in_later(here: Settings, away: Settings) -> None:
    for each in run(1), failing(2):
        said = remember(each, away).trouble
        assert "refused" in said
        assert f"kept in {spool(away)} and" in said
        assert "hunter22" not in said
        assert "\n" not in said
    assert remember(run(3), here).trouble == ""
    assert kept(here) == ["run-000001", "run-000002", "run-000003"]
    assert list(spool(here).iterdir()) == []


def test_a_kept_run_is_for_its_owner_alone(away: Settings) -> None:
    remember(run(1), away)
    (file,) = spool(away).iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool(away).stat().st_mode) == 0o700


def test_it_is_said_where_neither_can_be(away: Settings) -> None:
    Path(away.journal).write_text("in the way")
    said = remember(run(1), away).trouble
    assert "nor could it be kept for later" in said
    assert "Not a directory" in said or "File exists" in said


def test_what_is_no_run_is_set_aside_and_said_once(here: Settings, away: Settings) -> None:
    remember(run(1), away)
    timeless = to_json(run(5)).replace(b"2026-01-01T00:00:00.000Z", b"long ago")
    for name, content in ("a.json", b"{"), ("b.json", b"\xff"), ("z.json", timeless):
        (spool(here) / name).write_bytes(content)
    said = remember(run(2), here).trouble
    assert (
        said == f"{spool(here)}: a.json, b.json, z.json: not a run, and not taken into the history"
    )
    assert kept(here) == ["run-000001", "run-000002"]
    assert sorted(each.name for each in spool(here).iterdir()) == [
        "a.unreadable",
        "b.unreadable",
        "z.unreadable",
    ]
    assert remember(run(3), here).trouble == ""


def test_two_runners_that_take_in_the_same_runs_do_not_disturb_each_other(
    here: Settings, away: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in 1, 2:
        remember(run(number), away)
    overtaken: list[str] = []
    whole = Store.remember

    def is_overtaken(store: Store, made: JudgedRun) -> bool:
        if made.run_id == "run-000001" and not overtaken:
            overtaken.append(made.run_id)
            assert remember(run(9), here).trouble == "", "this one takes in both"
        return whole(store, made)

    monkeypatch.setattr(Store, "remember", is_overtaken)
    assert remember(run(3), here).trouble == ""
    assert overtaken
    assert kept(here) == [f"run-{number:06}" for number in (1, 2, 3, 9)]


def test_a_database_that_goes_away_meanwhile_loses_nothing(
    here: Settings, away: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in 1, 2:
        remember(run(number), away)
    whole = Store.remember

    def goes_away(store: Store, made: JudgedRun) -> bool:
        if made.run_id == "run-000002":
            raise HistoryError("the server closed the connection")
        return whole(store, made)

    monkeypatch.setattr(Store, "remember", goes_away)
    said = remember(run(3), here).trouble
    assert "stay in" in said
    assert "the server closed the connection" in said
    monkeypatch.undo()
    assert kept(here) == ["run-000001", "run-000003"]
    assert remember(run(4), here).trouble == ""
    assert kept(here) == [f"run-{number:06}" for number in (1, 2, 3, 4)]


def test_no_run_waits_long_for_those_before_it(
    here: Settings, away: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "_TAKEN_IN_AT_ONCE", 2)
    for number in range(3):
        remember(run(number), away)
    remember(run(7), here)
    assert kept(here) == ["run-000000", "run-000001", "run-000007"]
    remember(run(8), here)
    assert len(kept(here)) == 5


@pytest.mark.parametrize("broken", ["prepare", "remember"])
def test_a_bug_in_storing_loses_no_run(
    here: Settings, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fails(*_: object) -> None:
        raise OverflowError("too large\nfor a column")

    monkeypatch.setattr(Store, broken, fails)
    said = remember(run(1), here).trouble
    assert "not in the history yet: OverflowError: too large for a column; it is kept in" in said
    monkeypatch.undo()
    assert remember(run(2), here).trouble == ""
    assert kept(here) == ["run-000001", "run-000002"]


def test_a_bug_with_an_earlier_run_is_not_said_of_this_one(
    here: Settings, away: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in 1, 3:
        remember(run(number), away)
    whole = Store.remember

    def fails(store: Store, made: JudgedRun) -> bool:
        if made.run_id == "run-000001":
            raise OverflowError("too large")
        return whole(store, made)

    monkeypatch.setattr(Store, "remember", fails)
    said = remember(run(2), here).trouble
    assert said.startswith("earlier runs are not in the history yet")
    assert said.endswith(": OverflowError: too large")
    assert kept(here) == ["run-000002", "run-000003"]
    assert [file.name for file in spool(here).iterdir()] == ["run-000001.json"]


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@host:abc/db", "sqlite:///x.db?mode=ro"])
def test_a_wrong_url_loses_no_run(away: Settings, url: str) -> None:
    said = remember(run(1), Settings(history=url, journal=away.journal)).trouble
    assert "it is kept in" in said
    assert [file.name for file in spool(away).iterdir()] == ["run-000001.json"]
