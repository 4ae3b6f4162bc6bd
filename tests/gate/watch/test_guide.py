"""The guide's commands are commands, and its table of the verdict is the code's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from smokegate.engine.sampling import interval

from smokegate import cli

GUIDE = (Path(__file__).parents[3] / "docs/watch.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"smokegate (watch .*)$", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_can_be_given(command: str) -> None:
    given = cli.parser().parse_args(shlex.split(command))
    assert given.command == "watch"
    assert given.for_s > given.every_s


def test_it_has_commands() -> None:
    assert len(COMMANDS) == 4


def test_what_it_says_of_the_objective_is_so() -> None:
    (fewest,) = re.findall(r"at 99.5%, from (\d+) bad rounds of 121 on", GUIDE)
    misses = [bad for bad in range(10) if interval(bad, 121)[0] > 1 - 0.995]
    assert misses[0] == int(fewest)
