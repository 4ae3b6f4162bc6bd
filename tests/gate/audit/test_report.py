"""Counts, scores and the matrix."""

from __future__ import annotations

from typing import Any

import pytest
from smokegate.audit.mutants import Mutant
from smokegate.audit.overcatching import OverCatch
from smokegate.audit.report import Audit, audit_of, redundant, single_catchers, tally
from smokegate.audit.trials import Catch, Finding

from tests.gate.audit.shop import Audited, Health, Workflows


def finding(fate: Any = "caught", *checks: str, means: str = "rollback", **more: Any) -> Finding:
    mutant = Mutant(
        family=more.get("family", "endpoint"),
        layer=more.get("layer", "status"),
        operator="status 500",
        endpoint="GET /a",
    )
    catches = [Catch(check, "status is 200", means) for check in checks]
    return Finding(mutant=mutant, fate=fate, catches=catches, rule=more.get("rule", ""))


def audited(findings: list[Finding], over: tuple[OverCatch, ...] = ()) -> Audit:
    about = {"tool": "t", "target": "u", "recorded_at": "", "exchanges": 1, "seconds": 1.0}
    return audit_of(
        findings,
        checks=["a", "b", "c"],
        owners={"GET /a": ["a"]},
        over_catching=list(over),
        excluded={},
        value_at=lambda _: None,
        left={"GET /a: status 5??": "nobody minds"},
        about={**about, "record_seconds": 1.0, "processes": 1},
    )


MANY = [
    *[finding("caught", "a")] * 6,
    finding("caught", "a", "b"),
    finding("caught", "a", means="warn"),
    finding("accident"),
    finding("survived"),
    finding("undecided"),
    finding("equivalent", rule="framing"),
    finding("equivalent", rule="identical"),
]


def test_every_mutant_is_counted_once() -> None:
    counts = tally(MANY)
    assert counts.mutants == 13
    assert (counts.caught, counts.accidents, counts.survived, counts.undecided) == (8, 1, 1, 1)
    assert counts.equivalent == {"framing": 1, "identical": 1}
    assert counts.warned == 1


def test_only_what_is_equivalent_leaves_the_denominator() -> None:
    assert tally(MANY).score == pytest.approx(8 / 11)


def test_an_over_catch_counts_as_one_more_that_was_not_caught() -> None:
    over = (OverCatch("extra fields", "a", "it is equal"),)
    assert audited(MANY, over).score == pytest.approx(8 / 12, abs=1e-6)


def test_nothing_to_catch_is_no_failure() -> None:
    assert tally([]).score == 1.0


def test_the_reply_family_is_counted_apart() -> None:
    replies = [finding("survived", family="reply")] * 5
    audit = audited([*MANY, *replies])
    assert (audit.mutants, audit.replies.mutants) == (13, 5)
    assert audit.families["reply"].survived == 5
    assert len(audit.matrix.rows) == 13


def test_who_alone_catches_something_is_not_redundant() -> None:
    faults = [finding("caught", "a", "b"), finding("caught", "b"), finding("caught", "a", "c")]
    assert single_catchers(faults) == {"b": 1}
    assert redundant(faults, ["a", "b", "c"]) == ["a", "c"]


def test_survivors_come_with_a_line_to_write() -> None:
    audit = audited(MANY)
    assert [each.undecided for each in audit.survivors] == [False, False, True]
    assert all("expect(reply).status" in each.write for each in audit.survivors)
    assert audit.survivors[0].in_checks == ["a"]
    assert {each.left for each in audit.survivors} == {"nobody minds"}


def test_the_counts_of_a_real_audit_add_up() -> None:
    audit = audited(Audited(Health, Workflows).findings())
    excused = sum(audit.equivalent.values())
    whole = audit.caught + audit.accidents + audit.survived + audit.undecided + excused
    assert whole == audit.mutants == len(audit.matrix.rows)
    assert sum(layer.mutants for layer in audit.layers.values()) == audit.mutants
    assert {"token", "workflows.test_items"} <= set(audit.matrix.checks)
