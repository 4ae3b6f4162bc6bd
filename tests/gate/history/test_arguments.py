"""What can be asked on the command line."""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path

import pytest
from smokegate.history import arguments, labels
from smokegate.history.rows import moment
from smokegate.results import Action

from smokegate import cli

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("text", "ago_s"), [("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600), ("0d", 0)]
)
def test_an_age_is_before_now(text: str, ago_s: int) -> None:
    now_ms = time.time() * 1000
    assert now_ms - 1_000 <= arguments.moment_ms(text) + ago_s * 1000 <= time.time() * 1000 + 1


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("2026-01-31T12:00", "2026-01-31T12:00:00Z"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),
    ],
)
def test_a_moment_is_in_utc(text: str, utc: str) -> None:
    assert moment(arguments.moment_ms(text)) == utc


@pytest.mark.parametrize(
    "text",
    [
        *("", "7", "d", "-7d", "7x", "yesterday", "999999d", "2026-02-30"),
        *("9999w", "1969-12-31", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"),
    ],
)
def test_anything_else_is_wrong(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        arguments.moment_ms(text)


def test_the_words_are_those_of_verdicts_and_labels() -> None:
    assert set(arguments.VERDICTS) == {action.value for action in Action}
    assert set(arguments.LABELS) == {*labels.LABELS, "none"}


@pytest.mark.parametrize(
    "asked",
    [
        "history",
        "history list --limit 0",
        "history list --limit many",
        "history list --verdict fine",
        "history label RUN",
        "history label RUN wrong",
        "history deployed",
        "history deployed 1.0 --at soon",
        "history prune",
        "history prune --older-than never",
    ],
)
def test_wrong_use_exits_2(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parser().parse_args(asked.split())
    assert ended.value.code == 2
    assert "usage: smokegate history" in capsys.readouterr().err


def test_every_documented_question_can_be_asked() -> None:
    text = (ROOT / "docs/history.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("smokegate history ")]
    assert len({line.split()[2] for line in lines}) == 6, "each question has an example"
    for line in lines:
        asked = cli.parser().parse_args(shlex.split(line, comments=True)[1:])
        assert asked.command == "history"
