"""`explain`: the verdict is derived again, and whatever was done to the file is told."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from smokegate.errors import UsageError
from smokegate.results import JudgedRun, to_json
from smokegate.seal import sealed
from smokegate.settings import Settings

from smokegate import explain
from tests.gate.reports import runs

KEY = "a key of sixteen or more"
INTACT_RUN = to_json(sealed(runs.rollback(), "")).rstrip()
INTACT = "✓ The verdict follows from the evidence, and nothing was altered."


def with_member(member: bytes) -> bytes:
    return INTACT_RUN[:-1] + b"," + member + b"}"


class Told:
    """What explain says of a run, and its exit code."""

    def __init__(self, folder: Path, content: JudgedRun | bytes, **settings: Any) -> None:
        path = folder / "run.json"
        path.write_bytes(content if isinstance(content, bytes) else to_json(content))
        stream = io.StringIO()
        self.code = explain.run(str(path), Settings(**settings), stream)
        self.text = stream.getvalue()


@pytest.mark.parametrize("name", runs.RUNS)
def test_what_was_not_touched_explains_to_the_same_verdict(name: str, tmp_path: Path) -> None:
    told = Told(tmp_path, sealed(runs.RUNS[name](), ""))
    assert (told.code, INTACT in told.text) == (0, True), told.text


def test_a_verdict_that_does_not_follow_is_told_even_under_a_new_seal(tmp_path: Path) -> None:
    run = runs.rollback()
    milder = msgspec.structs.replace(run.verdict, action=runs.proceed().verdict.action)
    told = Told(tmp_path, sealed(msgspec.structs.replace(run, verdict=milder), ""))
    assert told.code == 1
    words = "✗ The verdict does not follow: action is 'rollback', not 'proceed'."
    assert words in told.text
    assert "rules may differ" not in told.text


def test_a_verdict_of_another_version_is_told_to_be_one(tmp_path: Path) -> None:
    run = msgspec.structs.replace(runs.rollback(), tool="smokegate/0.0.1")
    words = "✗ It was judged by smokegate/0.0.1; this is smokegate/"
    assert words not in Told(tmp_path, sealed(run, "")).text
    verdict = msgspec.structs.replace(run.verdict, rule="a rule of old")
    told = Told(tmp_path, sealed(msgspec.structs.replace(run, verdict=verdict), ""))
    assert (told.code, words in told.text) == (1, True), told.text


def test_evidence_that_was_changed_is_named(tmp_path: Path) -> None:
    run = sealed(runs.rollback(), "")
    checks = [msgspec.structs.replace(run.checks[0], reason="fine"), *run.checks[1:]]
    told = Told(tmp_path, msgspec.structs.replace(run, checks=checks))
    assert told.code == 1
    assert (
        f"✗ The evidence was altered: check {run.checks[0].id} is not as it was sealed."
        in told.text
    )


def altered(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(to_json(sealed(runs.rollback(), "")))
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: run.update(comment="all is well"), "run"),
        (lambda run: run["checks"][2].update(x=1), "check health.test_redis_connection"),
        (lambda run: run["checks"][2].pop("flaky"), "check health.test_redis_connection"),
        (lambda run: run.pop("seal"), "the seal"),
        (lambda run: run["seal"].update(x=1), "the seal"),
    ],
)
def test_members_that_come_and_go_are_told(
    change: Callable[[dict[str, Any]], object], words: str, tmp_path: Path
) -> None:
    told = Told(tmp_path, altered(change))
    sentence = f"✗ The evidence was altered: {words} is not as it was sealed."
    assert (told.code, sentence in told.text) == (1, True), told.text


ODD: tuple[Any, ...] = (
    -1,
    10**30,
    1e308,
    "",
    "\x1b[2J",
    "::error::",
    "http://[",
    "9999-99-99",
    [],
    {},
)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_whatever_stands_in_a_run_is_explained_or_refused(odd: Any, tmp_path: Path) -> None:
    document = json.loads(to_json(sealed(runs.down(), "")))
    check = document["checks"][0]
    for part in (document, check, check["attempts"][0]["exchanges"][0], document["thresholds"]):
        for name, before in part.items():
            part[name] = odd
            code = outcome(tmp_path, document)
            part[name] = before
            assert code in (1, 2) or before == odd, name


def outcome(folder: Path, document: dict[str, Any]) -> int:
    """The exit code of the command, for a run that may be none."""
    try:
        return Told(folder, json.dumps(document).encode()).code
    except UsageError:
        return 2


def test_the_signature_is_looked_at_where_there_is_a_key(tmp_path: Path) -> None:
    signed, unsigned = sealed(runs.proceed(), KEY), sealed(runs.proceed(), "")
    assert "signed with this key" in Told(tmp_path, signed, signing_key=KEY).text
    assert "signed; no signing_key to check" in Told(tmp_path, signed).text
    assert "not signed" in Told(tmp_path, unsigned).text
    assert signed.seal is not None
    odd = msgspec.structs.replace(signed, seal=msgspec.structs.replace(signed.seal, signature="é"))
    for run, key in (signed, KEY + "!"), (unsigned, KEY), (odd, KEY):
        told = Told(tmp_path, run, signing_key=key)
        assert told.code == 1
        assert "✗ The signature was not made with this signing_key." in told.text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"schema": 99}',
        b'{"schema": 1}',
        INTACT_RUN[:-1],
        INTACT_RUN + b"{}",
        with_member(b'"target": "https://other.example"'),
        with_member(b'"x": ' + b"9" * 5_000),
        with_member(b'"x": "\xff"'),
        with_member(b'"x": ' + b"[" * 100_000 + b"]" * 100_000),
        with_member(b'"\\u001b[2J": 1, "\\u001b[2J": 2'),
    ],
    ids=range(14),
)
def test_what_is_no_run_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Told(tmp_path, content)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith(f"explain: {tmp_path / 'run.json'} ")


@pytest.mark.parametrize("path", ["nowhere", ".", "nul\0l"])
def test_what_cannot_be_read_is_refused_in_one_line(path: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: "):
        explain.run(str(tmp_path / path), Settings(), io.StringIO())
