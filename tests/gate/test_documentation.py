"""What can be set, asked for or returned stands in the reference."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from smokegate import cli, settings, verdict

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference.md").read_text(encoding="utf-8")


def _commands() -> dict[str, argparse.ArgumentParser]:
    """Every command by its name, and what is below it, as in `history list`."""
    return dict(_below(cli.parser()))


def _below(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield name, command
                yield from ((f"{name} {deeper}", each) for deeper, each in _below(command))


@pytest.mark.parametrize("command", _commands())
def test_every_command_and_its_options_are_documented(command: str) -> None:
    assert f"`smokegate {command}" in REFERENCE
    for action in _commands()[command]._actions:
        for option in action.option_strings:
            if option not in ("-h", "--help"):
                assert re.search(rf"`{re.escape(option)}[` ]", REFERENCE), option


@pytest.mark.parametrize("command", _commands())
def test_every_command_shows_an_example(command: str) -> None:
    assert f"smokegate {command}" in _commands()[command].format_help().partition("example")[2]


@pytest.mark.parametrize("key", settings.KEYS)
def test_every_setting_is_documented(key: str) -> None:
    assert re.search(rf"^\| `{key}` \|", REFERENCE, re.MULTILINE)


@pytest.mark.parametrize("name", settings.PLAIN_NAMES)
def test_every_plain_environment_variable_is_documented(name: str) -> None:
    assert f"`{name}`" in REFERENCE


def test_every_exit_code_is_documented() -> None:
    codes = {
        *verdict.EXIT_CODES.values(),
        verdict.EXIT_MONITOR_STRICT,
        cli.EXIT_USAGE,
        cli.EXIT_INCONCLUSIVE,
    }
    table = REFERENCE.partition("## Exit codes")[2].partition("##")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == codes


def test_no_documented_setting_is_gone() -> None:
    table = REFERENCE.partition("## Settings")[2].partition("## Result files")[0]
    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)) == set(settings.KEYS)
