"""Faults that a suite's author declares."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from smokegate.audit.mutants import EVERYWHERE, Mutant
from smokegate.audit.semantic import Seen, declared_in, mutants_in
from smokegate.errors import SuiteError
from smokegate.settings import Settings

from smokegate import engine
from tests.gate.audit.shop import Audited, Health, Workflows

SUITE = """
from smokegate import HealthSuite
class TestIt(HealthSuite):
    async def test_it(self, client): ...
"""
FAULTS = """
from smokegate.audit.semantic import Seen, fault

@fault("nothing works", row="F15")
def nothing_works(seen):
    return seen.with_status(500)
"""


def foreign_items_shown(seen: Seen) -> Seen | None:
    if seen.is_("GET /items/{}", 404):
        return seen.instead(seen.like("GET /items/{}", 200))
    return None


def test_a_declared_fault_is_tried_on_every_reply() -> None:
    title = "strangers see items"
    audited = Audited(Health, Workflows, declared={title: foreign_items_shown})
    mutant = Mutant(family="semantic", layer="semantic", operator=title, endpoint=EVERYWHERE)
    (finding,) = audited.findings([mutant])
    assert finding.fate == "caught"
    assert [catch.check for catch in finding.catches] == ["workflows.test_strangers"]


def test_a_declared_fault_that_changes_nothing_is_identical() -> None:
    audited = Audited(Health, declared={"idle": lambda _: None})
    mutant = Mutant(family="semantic", layer="semantic", operator="idle", endpoint=EVERYWHERE)
    (finding,) = audited.findings([mutant])
    assert (finding.fate, finding.rule) == ("equivalent", "identical")


def test_an_author_sees_what_was_sent_and_in_whose_name() -> None:
    seen_by: dict[str, list[Seen]] = {}

    def look(seen: Seen) -> None:
        seen_by.setdefault(seen.endpoint, []).append(seen)

    audited = Audited(Health, Workflows, declared={"look": look})
    mutant = Mutant(family="semantic", layer="semantic", operator="look", endpoint=EVERYWHERE)
    audited.findings([mutant])
    created = seen_by["POST /items"][0]
    assert created.sent["name"] == created.json["name"]
    assert len(created.credentials) == 1
    assert seen_by["GET /health"][0].credentials == ()
    assert seen_by["GET /health"][0].sent is None


@pytest.fixture(autouse=True)
def _modules_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.MonkeyPatch.context() as patch:
        for name in ("mutants", "test_of_faults"):
            patch.delitem(sys.modules, name, raising=False)
        yield
        for name in ("mutants", "test_of_faults"):
            sys.modules.pop(name, None)


def test_faults_stand_beside_the_suites(tmp_path: Path) -> None:
    (tmp_path / "test_of_faults.py").write_text(SUITE)
    (tmp_path / "mutants.py").write_text(FAULTS)
    plan = engine.load([tmp_path], Settings(require=()))
    assert list(declared_in(plan)) == ["nothing works"]
    (mutant,) = mutants_in(plan)
    assert (mutant.family, mutant.declared, mutant.words) == ("semantic", "F15", "nothing works")


@pytest.mark.parametrize(
    "added", ["@fault('nothing works')\ndef other(seen): ...", "raise ValueError('boom')"]
)
def test_what_is_wrong_with_them_is_said(added: str, tmp_path: Path) -> None:
    (tmp_path / "test_of_faults.py").write_text(SUITE)
    (tmp_path / "mutants.py").write_text(FAULTS + added)
    plan = engine.load([tmp_path], Settings(require=()))
    with pytest.raises(SuiteError, match=r"mutants\.py"):
        declared_in(plan)
