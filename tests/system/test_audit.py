"""`smokegate audit` as its users run it: on the shipped suites, and on those of the examples."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
from smokegate.audit import campaign, recording
from smokegate.audit.campaign import Job
from smokegate.audit.mutants import Mutant, mutants_of
from smokegate.audit.rehearsal import Rehearsal
from smokegate.audit.report import Audit
from smokegate.audit.semantic import declared_in, mutants_in
from smokegate.audit.trials import Finding, Trials
from smokegate.audit.virtual_loop import in_virtual_loop
from smokegate.results import CheckResult
from smokegate.settings import Settings

from smokegate import engine, settings
from tests.gate.audit.whole_engine import checks_by_engine, failed_demands
from tests.gate.suite_folder import suite_folder
from tests.system.command import SUITES, Commands, Done
from tests.system.lattice_process import LatticeProcess
from tests.system.replay_and_live.comparing import compared
from tests.system.sharing import made_once, shared_folder

# What faults in the tests' own list of them must lead to at least.
AT_LEAST = {
    "rollback": {"F24", "F29", "F31", "F41", "F45", "F46", "F52", "F53", "F58", "F59", "F65"}
    | {"F67", "F68", "F70"},
    "investigate": {"F40", "F47", "F50", "F81"},
    "monitor": {"F16", "F72"},
}
SEVERITY = ["proceed", "monitor", "inconclusive", "investigate", "rollback"]


@pytest.fixture
def suites() -> Iterator[Path]:
    """The shipped suites; whoever loads them in this process forgets them again."""
    with suite_folder(SUITES):
        yield SUITES


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_folder(tmp_path_factory, "audit")


@pytest.fixture(scope="module")
def done(files: Path) -> Done:
    """One audit against a demo Lattice, for all tests here, in whichever process, to look at."""

    def run() -> bytes:
        there = Commands(files).smokegate(
            *("audit", "--demo", "--json", files / "audit.json"),
            *("--html", files / "audit.html", "--save-recording", files / "recording.json"),
        )
        return json.dumps(there).encode()

    return Done(*json.loads(made_once(files, run)))


@pytest.fixture(scope="module")
def audit(done: Done, files: Path) -> Audit:
    assert done.code == 0, done.text
    return msgspec.json.decode((files / "audit.json").read_bytes(), type=Audit)


def test_the_shipped_suites_notice_what_a_deployment_can_show(audit: Audit) -> None:
    assert audit.mutants >= 2_000
    assert {name: audit.layers[name].score for name in ("transport", "status", "body")} == {
        "transport": 1.0,
        "status": 1.0,
        "body": 1.0,
    }
    assert audit.layers["field"].score >= 0.95
    assert audit.score >= 0.9
    assert sum(audit.equivalent.values()) <= audit.mutants / 4
    assert audit.accidents == 0
    assert audit.over_catching == []
    assert audit.excluded == {}


def test_the_counts_add_up(audit: Audit) -> None:
    excused = sum(audit.equivalent.values())
    parts = audit.caught + audit.accidents + audit.survived + audit.undecided + excused
    assert parts == audit.mutants == len(audit.matrix.rows)
    assert audit.score == pytest.approx(audit.caught / (audit.mutants - excused), abs=1e-6)
    assert [each.fault for each in audit.survivors if not each.left] == []
    assert len(audit.survivors) == audit.survived + audit.undecided + audit.accidents


def test_the_faults_that_the_suites_declare_lead_to_the_right_verdict(audit: Audit) -> None:
    verdicts = {(row.declared, row.fault): row.verdict for row in audit.matrix.rows if row.declared}
    for verdict, rows in AT_LEAST.items():
        there = [words for (row, _), words in verdicts.items() if row in rows]
        assert len(there) >= len(rows)
        assert all(SEVERITY.index(each) >= SEVERITY.index(verdict) for each in there)


def test_the_page_and_the_terminal_say_the_same(audit: Audit, done: Done, files: Path) -> None:
    page = (files / "audit.html").read_text("utf-8")
    assert "http-equiv" in page
    assert f"{audit.caught:,}" in done.out
    assert audit.target in done.out


def test_no_secret_is_in_a_recording(files: Path, audit: Audit) -> None:
    del audit
    text = (files / "recording.json").read_text("utf-8")
    assert "SmokeTest123!@#" not in text
    bodies = msgspec.json.decode(text.encode(), type=recording.Recording).exchanges
    assert not any(b"SmokeTest123" in (each.request.body or b"") for each in bodies)


@pytest.mark.long
def test_a_recording_is_audited_without_a_network_and_comes_to_the_same(
    audit: Audit, files: Path, tmp_path: Path
) -> None:
    again = Commands(tmp_path).smokegate(
        *("audit", SUITES, "--recording", files / "recording.json", "--processes", "1"),
        *("--json", "-", "--fail-under", "1"),
    )
    assert again.code == 1, again.text
    result = json.loads(again.out)
    for name in ("mutants", "caught", "survived", "undecided", "equivalent", "score"):
        assert result[name] == msgspec.to_builtins(getattr(audit, name)), name
    assert result["record_seconds"] == 0
    assert result["matrix"] == msgspec.to_builtins(audit.matrix)


@pytest.mark.long
def test_a_sample_equals_runs_of_the_whole_engine(files: Path, audit: Audit, suites: Path) -> None:
    del audit
    taken = recording.load(files / "recording.json")
    known = settings.load({"url": taken.url}, {})
    known = msgspec.structs.replace(known, test_password=taken.test_password)
    plan = engine.load([suites], known)
    rehearsal = campaign.rehearsed(Job([suites], known, taken), plan)
    trials = Trials(rehearsal, declared_in(plan))
    mutants = [*mutants_of(rehearsal.sound_entries), *mutants_in(plan)]
    for mutant in random.Random(7).sample(mutants, 25):
        finding, results = in_virtual_loop(partial(_both, trials, rehearsal, mutant))
        offline = {each.check for each in finding.catches if each.check != each.through}
        by_engine = {
            check for check, each in results.items() if _noticed(each, rehearsal.checks[check])
        }
        assert offline == by_engine, mutant.words


async def _both(
    trials: Trials, rehearsal: Rehearsal, mutant: Mutant
) -> tuple[Finding, dict[str, CheckResult]]:
    finding = await trials.try_out(mutant)
    known = rehearsal.stage.settings
    return finding, await checks_by_engine(rehearsal, known, mutant, declared_in(rehearsal.plan))


def _noticed(result: CheckResult, before: CheckResult) -> bool:
    if not result.attempts:
        return result.outcome.fails
    outcome, demands = failed_demands(result)
    if (outcome, demands) != failed_demands(before):
        return bool(demands) or not outcome.passes
    return bool(result.warnings) and result.warnings != before.warnings


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--recording", "nothing.json"), "nothing.json: No such file"),
        (("--recording", str(SUITES / "README.md")), "not a recording"),
        (("--fail-under", "2"), "not from 0 to 1"),
        (("--processes", "0"), "0 is not from 1 to 10000"),
        (("--openapi", "nothing.json"), "no target"),
        (("nowhere",), "no"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    done = Commands(tmp_path).smokegate("audit", *arguments)
    assert done.code == 2
    assert words in done.text
    assert "Traceback" not in done.text


@pytest.mark.usefixtures("suites")
def test_a_replay_shows_what_a_live_run_does(lattice: LatticeProcess, tmp_path: Path) -> None:
    """The quick form of `python -m tests.system.replay_and_live 100`."""
    known = Settings(url=lattice.url, url_given=True, ca_file=str(lattice.ca_file))
    found = compared(known, tmp_path, 5, 3, lambda _: None)
    assert len(found) == 5
    for each in found:
        assert each.agrees, f"{each.mutant.words}: {each.offline}, live {each.live}"
    assert any(each.offline for each in found)
