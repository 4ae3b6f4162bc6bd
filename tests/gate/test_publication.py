"""What becomes of a judged run, whatever becomes of one of those who want to know of it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from smokegate.errors import HistoryError
from smokegate.history import aside, remembering
from smokegate.publication import Publication
from smokegate.results import JudgedRun
from smokegate.settings import Settings

from tests.gate.history.runs import failing, run


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return Settings(
        history=f"sqlite:///{tmp_path / 'history.db'}",
        journal=str(tmp_path / "journal"),
        results=str(tmp_path / "results"),
    )


def published(there: JudgedRun, settings: Settings) -> tuple[str, str]:
    """What a run says at its end, and its page."""
    stream = io.StringIO()
    Publication(there, settings, stream).publish()
    pages = Path(settings.results).glob("report_*.html")
    newest = max(pages, key=lambda page: page.stat().st_mtime_ns)
    return stream.getvalue(), newest.read_text()


def test_what_became_worse_is_said_and_shown(here: Settings) -> None:
    said, page = published(run(1), here)
    assert "Since " not in said
    assert 'id="since"' not in page
    said, page = published(failing(2, minutes=1), here)
    was = "run-000001 of version 1.0.0, 2026-01-01 00:00:00 UTC, proceed"
    assert f"Since the last good run ({was})," in said
    assert "no longer passes" in page
    said, page = published(run(3, minutes=2), here)
    assert "Since " not in said
    assert "All that passed in it passes now" in page


def test_nothing_remembered_is_nothing_compared(here: Settings, tmp_path: Path) -> None:
    nowhere = Settings(history="none", journal=here.journal, results=here.results)
    published(run(1), here)
    said, page = published(failing(2, minutes=1), nowhere)
    assert "Since " not in said
    assert 'id="since"' not in page


def test_an_interrupted_run_does_not_wait_for_its_history(
    here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(run(1), here)
    asked: list[bool] = []

    def noting(*given: object) -> aside.Remembered:
        asked.append(bool(list(Path(here.results).glob("report_20260101_000100.html"))))
        return aside.Remembered()

    monkeypatch.setattr(remembering, "remember", noting)
    published(failing(2, minutes=1, interrupted="SIGTERM"), here)
    assert asked == [True], "its report is there before"


@pytest.mark.parametrize(
    ("broken", "words"),
    [("last_good", "a bug in a report"), ("opened", "ZeroDivisionError: ; it is kept in")],
)
def test_a_bug_in_the_history_takes_no_report_with_it(
    here: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: str,
    words: str,
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(remembering, broken, fails)
    said, page = published(failing(1), here)
    assert "Results in " in said
    assert "ROLLBACK" in page
    assert words in capsys.readouterr().err


def test_a_comparison_that_cannot_be_made_is_said(
    here: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise HistoryError("the disk is gone")

    monkeypatch.setattr(remembering, "last_good", fails)
    published(failing(1), here)
    said = capsys.readouterr().err
    assert said == "smokegate: the run is compared with no earlier one: the disk is gone\n"
