"""The seal: whatever of a run is altered, moved or left out is noticed, and where."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.results import JudgedRun, from_json, to_json
from smokegate.seal import altered_part, document_of, is_signed, sealed

from tests.gate.reports import runs

KEY = "a key of sixteen or more"
WHOLE = runs.mitigated()
RUN = sealed(msgspec.structs.replace(WHOLE, checks=WHOLE.checks[:6]), KEY)
DOCUMENT: dict[str, Any] = json.loads(to_json(RUN))
Place = tuple[str | int, ...]


def places(value: Any, path: Place = ()) -> Iterator[Place]:
    """The paths of everything in plain data, but for its root."""
    if path:
        yield path
    parts: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    for key, part in parts:
        yield from places(part, (*path, key))


def others(value: Any) -> Iterator[Any]:
    """What may be put in the place of a value, of the same type."""
    if isinstance(value, dict):
        yield {**value, "added": 1}
    elif isinstance(value, list):
        yield from (other for other in (value[::-1], [*value, *value[:1]]) if other != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (value + 1, -1 - value)
    elif isinstance(value, str):
        yield from (other for other in (f"{value}x", "") if other != value)


def alterations(document: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The document with one thing in it altered, for every thing, with what that is."""
    for path in places(document):
        altered = deepcopy(document)
        inner: Any = altered
        for key in path[:-1]:
            inner = inner[key]
        for other in others(inner[path[-1]]):
            inner[path[-1]] = other
            yield f"{path} is {other!r}", json.dumps(altered).encode()
        del inner[path[-1]]
        yield f"{path} is gone", json.dumps(altered).encode()


def is_run(text: bytes) -> bool:
    try:
        from_json(text)
    except msgspec.ValidationError:
        return False
    return True


def is_intact(text: bytes) -> bool:
    return not altered_part(document_of(text)) and is_signed(from_json(text), KEY)


def altered_in(run: JudgedRun, **changes: Any) -> str:
    return altered_part(document_of(to_json(msgspec.structs.replace(run, **changes))))


def test_what_was_not_touched_is_intact() -> None:
    assert altered_in(RUN) == ""
    assert altered_in(from_json(to_json(RUN))) == ""


def test_how_the_text_is_laid_out_does_not_matter() -> None:
    tidied = json.dumps(DOCUMENT, sort_keys=True, indent=7).replace("0.0,", "0,")
    assert tidied != json.dumps(DOCUMENT, sort_keys=True, indent=7)
    assert altered_part(document_of(tidied.encode())) == ""


# The parts of a small run as they are sealed, each behind the link before.
PARTS = {
    "run": '{"a":[1,"\\u00e9"],"checks":null,"probes":null,"resources":null,"seal":null,'
    '"verdict":null}',
    "resource account": '{"name":"account"}',
    "probe run.settling": '{"id":"run.settling"}',
    "check health.up": '{"duration_s":0.5,"id":"health.up"}',
    "verdict": '{"action":"proceed"}',
}


def small() -> dict[str, Any]:
    """A run whose seal is made by hand, as the format is described."""
    links, digest = [], ""
    for part, text in PARTS.items():
        digest = hashlib.sha256(f'["{digest}","{part}",{text}]'.encode()).hexdigest()
        links.append({"part": part, "digest": digest})
    return {
        "verdict": {"action": "proceed"},
        "checks": [{"id": "health.up", "duration_s": 0.5}],
        "probes": [{"id": "run.settling"}],
        "resources": [{"name": "account"}],
        "a": [1, "é"],
        "seal": {"links": links, "head": digest, "signature": ""},
    }


def test_the_seal_is_the_one_that_is_described() -> None:
    assert altered_part(small()) == ""


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("resources", "resource account"),
        ("probes", "probe run.settling"),
        ("checks", "check health.up"),
    ],
)
def test_each_resource_probe_and_check_is_a_part_of_its_own(kind: str, part: str) -> None:
    document = small()
    document[kind][0]["added"] = 1
    assert altered_part(document) == part


def test_whatever_is_altered_in_a_run_is_noticed() -> None:
    texts = [(what, text) for what, text in alterations(DOCUMENT) if is_run(text)]
    assert len(texts) > 900
    assert [what for what, text in texts if is_intact(text)] == []


def test_what_is_signed_depends_on_every_part() -> None:
    assert RUN.seal is not None
    other = msgspec.structs.replace(RUN.checks[0], reason="all is well")
    probe = msgspec.structs.replace(RUN.checks[0], id="run.probe")
    for changes in (
        {"target": "https://other.example"},
        {"checks": [other, *RUN.checks[1:]]},
        {"probes": [*RUN.probes, probe]},
        {"verdict": msgspec.structs.replace(RUN.verdict, reason="all is well")},
    ):
        seal = sealed(msgspec.structs.replace(RUN, **changes), KEY).seal
        assert seal is not None
        assert seal.head != RUN.seal.head


def test_the_first_part_that_was_altered_is_named() -> None:
    checks = list(RUN.checks)
    checks[3] = msgspec.structs.replace(checks[3], reason="all is well")
    checks[5] = msgspec.structs.replace(checks[5], reason="all is well")
    assert altered_in(RUN, checks=checks) == f"check {checks[3].id}"
    verdict = msgspec.structs.replace(RUN.verdict, reason="all is well")
    assert altered_in(RUN, verdict=verdict) == "verdict"
    assert altered_in(RUN, target="https://other.example") == "run"


def test_what_stands_in_the_place_of_a_part_is_named() -> None:
    first, second, *rest = RUN.checks
    words = f"check {second.id}, which stands where check {first.id} was,"
    assert altered_in(RUN, checks=[second, *rest]) == words
    assert altered_in(RUN, checks=[second, first, *rest]) == words


def test_a_part_without_a_name_is_noticed() -> None:
    checks = [msgspec.structs.replace(RUN.checks[0], id=""), *RUN.checks[1:]]
    assert altered_in(RUN, checks=checks)


def test_a_member_that_this_version_does_not_know_is_sealed_too() -> None:
    assert altered_part(DOCUMENT | {"added": 1}) == "run"


def test_a_seal_that_was_altered_or_is_missing_is_noticed() -> None:
    assert RUN.seal is not None
    assert altered_in(RUN, seal=None) == "the seal"
    for seal in (
        msgspec.structs.replace(RUN.seal, head="0" * 64),
        msgspec.structs.replace(RUN.seal, links=[]),
        msgspec.structs.replace(RUN.seal, links=RUN.seal.links[:-1]),
        msgspec.structs.replace(RUN.seal, links=[*RUN.seal.links, RUN.seal.links[0]]),
    ):
        assert altered_in(RUN, seal=seal) == "the seal"


def test_a_member_that_stands_there_twice_is_refused() -> None:
    twice = b'{"target": "https://other.example",' + to_json(RUN).lstrip(b"{")
    with pytest.raises(ValueError, match=r"^the member 'target' stands there twice$"):
        document_of(twice)


def test_a_member_whose_name_is_long_is_told_by_its_beginning() -> None:
    name = "x" * 61
    with pytest.raises(ValueError, match=f"^the member '{name[:60]}' stands there twice$"):
        document_of(f'{{"{name}": 1, "{name}": 2}}'.encode())


def test_only_the_key_signs() -> None:
    assert is_signed(RUN, KEY)
    assert not is_signed(RUN, KEY + "!")
    assert not is_signed(sealed(RUN, ""), KEY)
    forged = sealed(msgspec.structs.replace(RUN, target="https://other.example"), "another key")
    assert altered_in(forged) == ""
    assert not is_signed(forged, KEY)


def test_the_signature_is_that_of_the_last_link() -> None:
    assert RUN.seal is not None
    assert RUN.seal.head == RUN.seal.links[-1].digest
    signature = hmac.new(KEY.encode(), RUN.seal.head.encode(), "sha256").hexdigest()
    assert RUN.seal.signature == signature


def test_what_is_not_sealed_is_not_signed() -> None:
    assert not is_signed(msgspec.structs.replace(RUN, seal=None), KEY)


def test_a_signature_that_is_none_is_refused() -> None:
    assert RUN.seal is not None
    for signature in ("", "é", RUN.seal.signature.upper()):
        seal = msgspec.structs.replace(RUN.seal, signature=signature)
        assert not is_signed(msgspec.structs.replace(RUN, seal=seal), KEY)


@given(st.text(st.characters(categories=("Cs", "Lu", "Cc", "So")), max_size=20))
def test_any_text_survives_the_way_through_json(text: str) -> None:
    notes, settings = [text], {"a": text, f"b{text}": 1}
    checks = [msgspec.structs.replace(RUN.checks[0], id=text), *RUN.checks[1:]]
    changed = msgspec.structs.replace(RUN, notes=notes, settings=settings, checks=checks)
    run = sealed(changed, KEY)
    assert altered_in(run) == ""
    assert altered_in(from_json(to_json(run))) == ""


@pytest.mark.parametrize("make", runs.RUNS.values(), ids=runs.RUNS)
def test_every_kind_of_run_can_be_sealed(make: Any) -> None:
    assert altered_in(sealed(make(), "")) == ""
