"""pytest's door: the same checks, the same outcomes, pytest's own flags."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from smokegate.gate import longest_s

from smokegate import pytest_items, settings
from tests.system.command import ROOT, SUITES, Commands
from tests.system.lattice_process import LatticeProcess

HEALTH, WORKFLOWS = SUITES / "test_production_health.py", SUITES / "test_critical_workflows.py"


def outcomes(junit: Path) -> dict[str, str]:
    """The outcome of each test case of a JUnit file, by name."""
    found = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        kinds = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        found[case.attrib["name"]] = kinds[0] if kinds else "passed"
    return found


def test_the_three_doors_agree_check_by_check(commands: Commands, tmp_path: Path) -> None:
    door = commands.pytest(SUITES, "-v", f"--junitxml={tmp_path / 'door.xml'}")
    assert door.code == 0, door.text
    seen_by_pytest = outcomes(tmp_path / "door.xml")
    assert len(seen_by_pytest) == 21

    assert commands.smokegate("run").code == 0
    by_run = {name.partition(".")[2]: outcome for name, outcome in commands.outcomes.items()}
    assert by_run == seen_by_pytest

    assert commands(SUITES / "smoke_test_runner.sh").code == 0
    by_runner = {name.partition(".")[2]: outcome for name, outcome in commands.outcomes.items()}
    assert by_runner == seen_by_pytest


@pytest.mark.long
def test_one_file_is_a_part(commands: Commands) -> None:
    done = commands.pytest(HEALTH, "-v")
    assert done.code == 0, done.text
    assert done.out.count("PASSED") + done.out.count("SKIPPED") >= 11
    assert "PROCEED (partial)" in done.out


def test_words_select_checks_and_no_others_are_run(commands: Commands) -> None:
    done = commands.pytest(SUITES, "-k", "login")
    assert done.code == 0, done.text
    assert "1 passed, 20 deselected" in done.out
    assert "PROCEED (partial)" in done.out


@pytest.mark.long
def test_the_long_form_of_everything(commands: Commands, tmp_path: Path) -> None:
    done = commands.pytest(
        HEALTH, "-vv", "--tb=long", "--capture=no", f"--junitxml={tmp_path / 'smoke_tests.xml'}"
    )
    assert done.code == 0, done.text
    assert len(outcomes(tmp_path / "smoke_tests.xml")) == 11


@pytest.mark.long
def test_workers_share_one_run(commands: Commands, lattice: LatticeProcess) -> None:
    done = commands.pytest(SUITES, "-n", "2")
    assert done.code == 0, done.text
    assert "20 passed, 1 skipped" in done.out
    assert done.out.count("PROCEED: all 20 checks") == 1


def test_collecting_needs_no_target(tmp_path: Path) -> None:
    done = Commands(tmp_path).pytest(SUITES, "--collect-only", "-q")
    assert done.code == 0, done.text
    assert "21 tests collected" in done.out


@pytest.mark.long
def test_a_dead_target_fails_with_evidence(tmp_path: Path) -> None:
    settings = {"PRODUCTION_URL": "http://127.0.0.1:1", "SMOKEGATE_WAIT_S": "1"}
    commands = Commands(tmp_path, settings)
    done = commands.pytest(SUITES, "--tb=short")
    assert done.code == 1
    assert "20 failed, 1 skipped" in done.out
    assert "blocked by member" in done.out
    assert "connection refused" in done.out
    assert "ROLLBACK: the whole target is down" in done.out


SUITE = """
import warnings
import pytest
from smokegate import HealthSuite, WARN, WorkflowSuite, expect_all

class TestHealth(HealthSuite):
    async def test_fails(self):
        print("seen on standard output")
        left, right = 1, 2
        assert left == right

    async def test_cannot_tell(self):
        raise RuntimeError("a mistake of the check's own")

    async def test_is_skipped(self):
        pytest.skip("not here")

    @pytest.mark.skip(reason="not today")
    async def test_is_marked(self):
        raise AssertionError("never run")

class TestWorkflows(WorkflowSuite):
    async def test_warns(self, client):
        expect_all(client, or_else=WARN).that("it is yellow", False)

def test_of_ones_own():
    assert True
"""


def test_each_outcome_is_pytests_own(tmp_path: Path, lattice: LatticeProcess) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    commands = Commands(
        tmp_path, {"PRODUCTION_URL": lattice.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
    )
    junit = tmp_path / "door.xml"
    done = commands.pytest(
        tmp_path, f"--rootdir={tmp_path}", "-c", "/dev/null", f"--junitxml={junit}"
    )
    assert done.code == 1, done.text
    assert "1 failed, 2 passed, 2 skipped, 1 warning, 1 error" in done.out
    assert outcomes(junit) == {
        "test_fails": "failure",
        "test_cannot_tell": "error",
        "test_is_skipped": "skipped",
        "test_is_marked": "skipped",
        "test_warns": "passed",
        "test_of_ones_own": "passed",
    }
    assert "assert 1 == 2" in done.out
    assert "seen on standard output" in done.out
    assert "a mistake of the check's own" in done.out
    assert "it is yellow" in done.out


def test_a_project_without_suites_pays_an_import_of_pytest_alone(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(
        "import sys\n"
        "def test_nothing_of_ours_is_loaded():\n"
        "    ours = {name for name in sys.modules if name.startswith('smokegate')}\n"
        "    assert ours == {'smokegate', 'smokegate.pytest_plugin'}\n"
        "    assert not {'pycurl', 'msgspec'} & set(sys.modules)\n"
    )
    done = Commands(tmp_path).pytest(tmp_path, f"--rootdir={tmp_path}", "-c", "/dev/null")
    assert done.code == 0, done.text


@pytest.mark.long
def test_a_suite_that_is_deselected_leaves_a_part(commands: Commands) -> None:
    for arguments in (["-k", "TestProduction"], ["--deselect", str(WORKFLOWS.relative_to(ROOT))]):
        done = commands.pytest(SUITES, *arguments)
        assert done.code == 0, done.text
        assert "PROCEED (partial)" in done.out


MARKED = """
import pytest
from smokegate import HealthSuite

class TestHealth(HealthSuite):
    @pytest.mark.skipif(True, reason="not on this machine")
    async def test_is_marked(self):
        raise AssertionError("never run")

    async def test_passes(self):
        pass

@pytest.mark.skip(reason="not now")
class TestLater(HealthSuite):
    async def test_is_marked_too(self):
        raise AssertionError("never run")
"""


@pytest.mark.long
def test_what_pytest_skips_is_not_run(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "test_marked.py").write_text(MARKED)
    commands.environment["SMOKEGATE_REQUIRE"] = "health"
    done = commands.pytest(tmp_path, f"--rootdir={tmp_path}", "-c", "/dev/null")
    assert done.code == 0, done.text
    assert "1 passed, 2 skipped" in done.out
    assert "PROCEED" in done.out


HOSTILE = """
from smokegate import HealthSuite, expect_all

class TestHealth(HealthSuite):
    async def test_it(self, client):
        said = chr(27) + "[2J" + chr(10) + "::set-output name=verdict::proceed" + chr(10)
        print(said)
        expect_all(client).that("it is polite", False, seen=said)
"""


@pytest.mark.long
def test_nothing_of_the_target_acts_on_a_terminal_or_a_ci(
    tmp_path: Path, lattice: LatticeProcess
) -> None:
    (tmp_path / "test_hostile.py").write_text(HOSTILE)
    settings = {"SMOKEGATE_REQUIRE": "health", "SMOKEGATE_WAIT_S": "0"}
    commands = Commands(tmp_path, {"PRODUCTION_URL": lattice.url, **settings})
    done = commands.pytest(tmp_path, f"--rootdir={tmp_path}", "-c", "/dev/null", "--tb=long")
    assert done.code == 1, done.text
    assert "\x1b" not in done.text
    assert not [line for line in done.text.splitlines() if line.strip().startswith("::")]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_what_no_item_tells_fails_the_session(commands: Commands, workers: list[str]) -> None:
    commands.environment |= {"SMOKEGATE_EXPECT_VERSION": "9.9.9", "SMOKEGATE_WAIT_S": "0"}
    done = commands.pytest(SUITES, "-k", "database", *workers)
    assert "1 passed" in done.out
    assert "run.settling: expected that all connections serve version 9.9.9" in done.out
    assert done.code == 1, done.text


def test_workers_wait_for_a_run_as_long_as_it_may_wait_for_its_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door: Any = pytest_items.Door(SimpleNamespace(workerinput={"testrunuid": "one"}))  # type: ignore[arg-type]
    door._settings, door._plan = settings.load({"wait_s": 3_000.0}, {}), "planned"
    limits_s: list[float] = []
    monkeypatch.setattr(
        pytest_items, "once_for_all_workers", lambda *given: limits_s.append(given[-1])
    )
    door._verify()
    assert limits_s[0] > longest_s(door._settings) > 3_000
