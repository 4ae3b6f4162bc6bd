"""What counts as equivalent, and what vetoes it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from smokegate.audit.documents import EVERY
from smokegate.audit.equivalence import Equivalence
from smokegate.audit.mutants import EVERYWHERE, Mutant
from smokegate.audit.reads import Reads
from smokegate.audit.recording import Recorded, Recording, Volatile
from smokegate.audit.tape import Entry
from smokegate.audit.trials import Catch, Finding
from smokegate.audit.volatility import volatile
from smokegate.client import Answer, Request

OWNER, ENDPOINT = "health.test_it", "GET /things"


def entry(document: Any, *, number: int = 1, headers: dict[str, str] | None = None) -> Entry:
    there = {"Content-Type": "application/json", **(headers or {})}
    answer = Answer(
        status=200, headers=list(there.items()), body=msgspec.json.encode(document), sends=1
    )
    asked = Request(method="GET", url="https://a.example/things", headers=[])
    return Entry(Recorded(owner=OWNER, number=number, request=asked, answer=answer))


def recording(*found: Volatile) -> Recording:
    return Recording(
        tool="t",
        run_id="r",
        url="https://a.example",
        recorded_at="2026-01-01T00:00:00.000Z",
        suites={},
        outcomes={},
        test_password="",
        exchanges=[],
        volatile=list(found),
    )


def survivor(layer: Any = "field", operator: str = "changed", *path: str, **more: Any) -> Finding:
    mutant = Mutant(
        family="endpoint",
        layer=layer,
        operator=operator,
        endpoint=more.get("endpoint", ENDPOINT),
        path=path,
        group="success" if layer == "field" else "",
    )
    return Finding(mutant=mutant, fate=more.get("fate", "survived"))


def rule_of(
    finding: Finding,
    entries: list[Entry],
    *found: Volatile,
    reads: Reads | None = None,
    others: tuple[Finding, ...] = (),
    declares: Any = None,
) -> str:
    equivalence = Equivalence(recording(*found), entries, reads or Reads(), declares)
    judged = equivalence.judged([finding, *others])[0]
    assert (judged.fate == "equivalent") is bool(judged.rule)
    return judged.rule


AT = "created_at"
ONCE = [entry({AT: "2026-01-01T00:00:00Z", "name": "x"})]
DIFFERS = Volatile(OWNER, 1, "field", (AT,))


@pytest.mark.parametrize("operator", ["removed", "changed"])
@pytest.mark.parametrize(("name", "rule"), [("via", "framing"), ("x-frame-options", "")])
@pytest.mark.parametrize("endpoint", [ENDPOINT, EVERYWHERE])
def test_framing_headers_are_no_matter(operator: str, name: str, rule: str, endpoint: str) -> None:
    finding = survivor("header", operator, name, endpoint=endpoint)
    assert rule_of(finding, ONCE) == rule


def test_a_header_that_some_check_reads_is_a_matter() -> None:
    reads = Reads()
    reads.of(ONCE[0].content).headers.add("via")
    assert rule_of(survivor("header", "removed", "via"), ONCE, reads=reads) == ""


def test_what_differs_from_run_to_run_may_be_changed() -> None:
    assert rule_of(survivor("field", "changed", AT), ONCE, DIFFERS) == "volatile"


@pytest.mark.parametrize("operator", ["removed", "null", "of another type", "blank"])
def test_but_not_left_out(operator: str) -> None:
    assert rule_of(survivor("field", operator, AT), ONCE, DIFFERS) == ""


def test_what_does_not_differ_is_a_matter() -> None:
    assert rule_of(survivor("field", "changed", AT), ONCE) == ""


def test_what_recurs_elsewhere_is_a_matter() -> None:
    twice = [*ONCE, entry({"other": "2026-01-01T00:00:00Z"}, number=2)]
    assert rule_of(survivor("field", "changed", AT), twice, DIFFERS) == ""


def test_what_some_check_reads_is_a_matter() -> None:
    reads = Reads()
    reads.of(ONCE[0].content).members.add(((AT,), False))
    assert rule_of(survivor("field", "changed", AT), ONCE, DIFFERS, reads=reads) == ""


def test_what_some_check_caught_in_another_way_is_a_matter() -> None:
    caught = survivor("field", "removed", AT, fate="caught")
    caught = msgspec.structs.replace(caught, catches=[Catch("c", "it is there", "monitor")])
    assert rule_of(survivor("field", "changed", AT), ONCE, DIFFERS, others=(caught,)) == ""


def test_what_a_contract_does_not_declare_is_no_matter() -> None:
    def declares(_endpoint: str, _group: str, path: tuple[str | int, ...]) -> bool:
        return path == (AT,)

    assert rule_of(survivor("field", "null", "name"), ONCE, declares=declares) == (
        "outside the contract"
    )
    assert rule_of(survivor("field", "null", AT), ONCE, declares=declares) == ""


@pytest.mark.parametrize("layer", ["transport", "status", "body", "latency"])
def test_nothing_excuses_a_whole_reply(layer: str) -> None:
    assert rule_of(survivor(layer, "refused"), ONCE, DIFFERS) == ""


def test_what_differs_between_two_runs_is_found() -> None:
    first = [entry({"a": 1, "items": [{"id": "x"}], "same": 2}, headers={"X-N": "1", "X-S": "s"})]
    second = [entry({"a": 5, "items": [{"id": "y"}], "same": 2}, headers={"X-N": "2", "X-S": "s"})]
    assert {(each.part, each.path) for each in volatile(first, second)} == {
        ("field", ("a",)),
        ("field", ("items", 0, "id")),
        ("field", ("items", EVERY, "id")),
        ("header", ("x-n",)),
    }
