"""Rows of the table acted out once, and how its results are judged, kept and written down."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread
from smokegate.results import Action

from tests.system.acted_out import campaign
from tests.system.acted_out.document import document
from tests.system.acted_out.rows import OPEN, Condition, Result, Row, Wrong
from tests.system.acted_out.stage import Stage
from tests.system.acted_out.table import ROWS, act_out
from tests.system.command import ROOT
from tests.system.lattice_process import LatticeProcess

DOCUMENT = ROOT / "docs/acted-out.md"
# In the quick form, every condition with each of its acts, and one act of the first fault for each
# check; `make acted-out` acts out all, and an audit tries the others on recorded replies.
FIRST = {row.noticed_by: row for row in reversed(ROWS) if isinstance(row, Wrong)}
ACTS = [
    pytest.param(row, number, id=f"{row.id}-{number}")
    for row in ROWS
    if isinstance(row, Condition) or row in FIRST.values()
    for number, _ in enumerate(row.acts if isinstance(row, Condition) else row.acts[:1])
]


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    """The loop of proxies and relays."""
    with LoopThread() as running:
        yield running


@pytest.fixture
def stage(
    tmp_path: Path, certificates: Certificates, lattice: LatticeProcess, loop: LoopThread
) -> Stage:
    """A stage around the Lattice of this session."""
    return Stage(tmp_path, certificates, lattice, loop)


@pytest.mark.sampled(5)
@pytest.mark.parametrize(("row", "number"), ACTS)
def test_a_row_is_as_it_must_be(row: Row, number: int, stage: Stage) -> None:
    result = act_out(row, number, stage)
    if result.cannot:
        pytest.skip(result.cannot)
    assert row.flaw(result) == ""


CONDITION = Condition("B00", "a condition", "nothing", (), OPEN)
FAULT = Wrong("F00", "a fault", "nothing", (), "health.test_it", Action.INVESTIGATE)
GOOD = Result("B00", 0, "c0ffee", "2026-01-02", acted=1, verdict="monitor")
CAUGHT = replace(GOOD, row="F00", verdict="investigate", caught=["run.sampler", "health.test_it"])


@pytest.mark.parametrize("verdict", ["proceed", "monitor"])
def test_a_condition_may_lead_to_what_is_allowed(verdict: str) -> None:
    assert CONDITION.flaw(replace(GOOD, verdict=verdict)) == ""


@pytest.mark.parametrize("verdict", ["inconclusive", "investigate", "rollback"])
def test_a_condition_may_lead_to_nothing_else(verdict: str) -> None:
    assert verdict in CONDITION.flaw(replace(GOOD, verdict=verdict))


@pytest.mark.parametrize("verdict", ["investigate", "rollback"])
def test_a_fault_may_be_judged_more_severely(verdict: str) -> None:
    assert FAULT.flaw(replace(CAUGHT, verdict=verdict)) == ""


@pytest.mark.parametrize("verdict", ["proceed", "monitor", "inconclusive"])
def test_a_fault_may_not_be_judged_more_mildly(verdict: str) -> None:
    assert "milder" in FAULT.flaw(replace(CAUGHT, verdict=verdict))


def test_a_fault_must_be_noticed_by_the_check_that_should() -> None:
    assert "health.test_it" in FAULT.flaw(replace(CAUGHT, caught=["run.sampler"]))
    every = replace(FAULT, noticed_by="every check")
    assert "workflows.test_bulk_operations_flow" in every.flaw(CAUGHT)


@pytest.mark.parametrize(("row", "result"), [(CONDITION, GOOD), (FAULT, CAUGHT)])
def test_what_was_not_acted_out_is_no_result(row: Row, result: Result) -> None:
    assert "not acted out" in row.flaw(replace(result, acted=0))
    assert row.flaw(replace(result, error="exit 1")) == "exit 1"


def test_rows_have_names_of_their_own() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)
    assert all(row.acts for row in ROWS)


def acted_out(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.system.acted_out", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


@pytest.mark.long
def test_a_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    before = replace(GOOD, row="B06", verdict="proceed", caught=[])
    (tmp_path / "results.jsonl").write_text(json.dumps(asdict(before)) + "\n")
    out = tmp_path / "document.md"
    places: list[str | Path] = ["--workers", "1", "--results", tmp_path, "--out", out]
    done = acted_out("--only", "B06", "--runs", "2", *places)
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = campaign.results_in(tmp_path)
    assert first == before
    assert (second.row, second.number, second.verdict) == ("B06", 1, "proceed")
    assert "2 of 2" in out.read_text()


def test_rows_that_are_not_there_are_refused_in_words() -> None:
    done = acted_out("--only", "B99")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("there is no row 'B99'")


def test_the_document_counts_and_bounds_rollbacks() -> None:
    results = [replace(GOOD, number=number) for number in range(300)]
    written = document([CONDITION, FAULT], [*results, CAUGHT])
    assert "| 300 | 0 | 1.00% | monitor 300 | proceed, monitor | 300 of 300 |" in written
    assert "| 1 | health.test_it | investigate | investigate 1 | 1 of 1 |" in written
    assert "2026-01-02 at commit c0ffee" in written


def test_the_document_hides_no_rollback_and_no_run_without_a_result() -> None:
    rolled_back = replace(GOOD, number=1, verdict="rollback", reason="it | fell")
    nothing = replace(GOOD, number=2, acted=0)
    written = document([CONDITION], [GOOD, rolled_back, nothing])
    assert "| 2 | 1 | no bound | monitor 1, rollback 1 |" in written
    assert "1 of 3: rollback, not proceed or monitor: it \\| fell" in written


def test_the_document_holds_every_row() -> None:
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    for row in ROWS:
        assert any(line.startswith(f"| {row.id} | {row.what} |") for line in lines), row.id
