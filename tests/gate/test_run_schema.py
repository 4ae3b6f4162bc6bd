"""The schema of `run.json` that ships with the package."""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from smokegate.results import Link, from_json, json_schema, to_json

import smokegate
from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import is_command, is_harmless, poisoned, texts

SHIPPED = resources.files(smokegate) / "run.schema.json"


def test_the_shipped_schema_is_current() -> None:
    text = json.dumps(json_schema(), indent=1) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        Path(str(SHIPPED)).write_text(text, encoding="utf-8")
    assert SHIPPED.read_text(encoding="utf-8") == text, "run with UPDATE_GOLDEN=1 to renew it"


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        json_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


@pytest.mark.parametrize("name", runs.RUNS)
def test_what_is_written_is_valid_and_reads_back_equal(name: str) -> None:
    run = runs.RUNS[name]()
    _validator().validate(json.loads(to_json(run)))
    assert from_json(to_json(run)) == run


@given(texts)
def test_what_is_written_is_valid_whatever_the_target_sent(text: str) -> None:
    written = to_json(poisoned(runs.rollback(), text))
    _validator().validate(json.loads(written))
    assert to_json(from_json(written)) == written
    assert is_harmless(written.decode())
    assert not any(map(is_command, written.decode().split("\n")))


@pytest.mark.parametrize("text", ["a \x7f b", "##[set-output name=verdict]proceed", "\x1b[2J"])
def test_what_is_all_ascii_is_harmless_too(text: str) -> None:
    """It is not looked through as what is not."""
    written = to_json(Link(part=text, digest=""))
    assert is_harmless(written.decode())
    assert not any(map(is_command, written.decode().split("\n")))
    assert json.loads(written)["part"] == text


def _members(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every member of every object."""
    if isinstance(document, dict):
        own = [(*path, key) for key in document]
        return own + [each for key in document for each in _members(document[key], (*path, key))]
    if isinstance(document, list):
        return [
            each for place, part in enumerate(document) for each in _members(part, (*path, place))
        ]
    return []


def test_every_member_that_is_written_is_required() -> None:
    run = parts.judged(runs.rollback().checks[1], only=parts.HEALTH[1:2], resources=[])
    document = json.loads(to_json(run))
    for *path, last in _members(document):
        if path[:1] == ["settings"]:
            continue
        without = json.loads(to_json(run))
        parent = without
        for key in path:
            parent = parent[key]
        del parent[last]
        assert not _validator().is_valid(without), f"{path} may lack {last}"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("schema", 2),
        ("started_at", "yesterday"),
        ("checks", {}),
        ("verdict", {"action": "perhaps"}),
        ("duration_s", "1"),
    ],
)
def test_what_does_not_fit_is_refused(member: str, value: object) -> None:
    document = json.loads(to_json(runs.proceed()))
    document[member] = value
    assert not _validator().is_valid(document)
