"""`smokegate run` against a real Lattice, and against none."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from smokegate.results import json_schema
from smokegate.settings import Settings

from tests.gate.audit.test_page import Parsed
from tests.system.command import BIN, SUITES, Commands
from tests.system.lattice_process import LatticeProcess

CHECKS = 21
PASSWORD = Settings().test_password


def test_a_healthy_service_may_proceed(commands: Commands, lattice: LatticeProcess) -> None:
    del commands.environment["SMOKEGATE_SAMPLE_REQUESTS"]
    done = commands.smokegate("run")
    assert done.code == 0, done.text
    run = commands.last_run
    assert run.verdict.action.value == "proceed", run.verdict
    assert len(run.checks) == CHECKS
    assert {check.id for check in run.checks if check.outcome.value == "skipped"} == {
        "health.test_redis_connection"
    }
    assert run.version == lattice.version
    assert not run.leftovers
    assert not list(commands.journal.glob("*"))


def test_results_are_five_whole_files(commands: Commands) -> None:
    commands.smokegate("run")
    names = sorted(path.name.partition("_")[0] for path in commands.results.iterdir())
    assert names == ["health", "report", "run", "summary", "workflows"]
    document = json.loads(next(commands.results.glob("run_*.json")).read_bytes())
    jsonschema.Draft202012Validator(json_schema()).validate(document)
    for suite, count in (("health", 11), ("workflows", 10)):
        tree = ElementTree.parse(next(commands.results.glob(f"{suite}_*.xml")))
        assert len(list(tree.iter("testcase"))) == count
    report = next(commands.results.glob("report_*.html"))
    assert Parsed(report.read_text()).elements
    assert report.stat().st_size < 300_000


def test_standard_output_is_json_alone_when_asked_for(commands: Commands) -> None:
    done = commands.smokegate("run", "--json", "-")
    assert json.loads(done.out)["verdict"]["action"] == "proceed"
    assert "health.test_api_server_running" in done.err


def test_no_secret_is_left_in_any_artefact(commands: Commands) -> None:
    commands.environment["TEST_PASSWORD"] = password = "Correct-Horse+Battery/Staple=1"
    done = commands.smokegate("run", "-v")
    assert done.code == 0, done.text
    for path in commands.results.iterdir():
        text = path.read_text()
        assert password not in text, path
        assert "eyJ" not in text, f"{path} holds a token"
    assert password not in done.text
    assert "eyJ" not in done.text


def test_a_part_of_the_checks_is_marked_partial(commands: Commands) -> None:
    done = commands.smokegate("run", "-k", "login or database")
    assert done.code == 0, done.text
    assert set(commands.outcomes) == {
        "workflows.test_user_login_flow",
        "health.test_database_connection",
    }
    assert commands.last_run.partial
    assert "partial" in done.out


def test_another_version_means_investigate(commands: Commands) -> None:
    done = commands.smokegate("run", "--expect-version", "0.0.1", "--suite", "health", "--wait=0")
    assert done.code == 10, done.text
    assert commands.last_run.verdict.deciding == ["run.settling"]
    (file,) = commands.results.glob("run_*.xml")
    assert len(list(ElementTree.parse(file).iter("testcase"))) == 1


def test_checks_can_be_listed_without_a_target(tmp_path: Path) -> None:
    done = Commands(tmp_path).smokegate("run", "--list")
    assert done.code == 0, done.text
    assert len(done.out.splitlines()) == CHECKS


def test_nothing_there_is_a_rollback_with_one_reason(tmp_path: Path, free_url: str) -> None:
    commands = Commands(tmp_path, {"PRODUCTION_URL": free_url})
    done = commands.smokegate("run", "--wait", "1")
    assert done.code == 20, done.text
    assert "Traceback" not in done.text
    assert "connection refused" in commands.last_run.verdict.reason
    assert set(commands.outcomes.values()) == {"failed", "blocked", "skipped"}
    # The canary spares the second tries: what is dead need not be proven dead 21 times.
    attempts = [len(check.attempts) for check in commands.last_run.checks]
    assert max(attempts) == 1


@pytest.mark.parametrize("url", ["", "   "])
def test_no_target_is_wrong_use(tmp_path: Path, url: str) -> None:
    with socket.socket() as taken:
        if taken.connect_ex(("127.0.0.1", 8000)) == 0:
            pytest.skip("something listens at the default target, port 8000")
    done = Commands(tmp_path, {"PRODUCTION_URL": url}).smokegate("run")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "PRODUCTION_URL" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", "htp://x"], "must begin with http"),
        (["--url", "https://"], "names no host"),
        (["--url", "http://u:p@x"], "user name"),
        (["--url", "http://localhost:1", "--timeout", "-1"], "timeout"),
        (["--url", "http://localhost:1", "--ca-file", "/nowhere.pem"], "ca_file"),
        (["--url", "http://localhost:1", "nowhere"], "nowhere"),
        (["--url", "http://localhost:1", "-k", "and and"], "-k"),
        (["--url", "http://localhost:1", "--expect-version", ""], "--expect-version is empty"),
        (["--url", "http://localhost:1", "--baseline", ""], "--baseline is empty"),
        (["--url", "http://localhost:1", "-k", ""], "-k is empty"),
        (["--url", "http://localhost:1", ""], "PATH is empty"),
        (["--url", ""], "--url is empty"),
    ],
)
def test_wrong_use_is_one_line(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = Commands(tmp_path).smokegate("run", *arguments)
    assert done.code == 2, done.text
    assert words in done.err
    assert len(done.err.splitlines()) == 1


def test_a_suite_that_does_not_load_is_no_verdict(tmp_path: Path, lattice: LatticeProcess) -> None:
    suites = tmp_path / "suites"
    suites.mkdir()
    for path in SUITES.glob("*.py"):
        (suites / path.name).write_text(path.read_text())
    with (suites / "test_critical_workflows.py").open("a") as file:
        file.write("\nimport nothing_of_this_name\n")
    commands = Commands(
        tmp_path, {"PRODUCTION_URL": lattice.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
    )
    done = commands.smokegate("run", suites)
    assert done.code == 30, done.text
    assert "nothing_of_this_name" in commands.last_run.verdict.reason


def test_a_check_that_exits_is_no_verdict(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "test_exits.py").write_text(
        "import asyncio, sys\n"
        "from smokegate import HealthSuite\n"
        "async def leave(): sys.exit(0)\n"
        "class TestHealth(HealthSuite):\n"
        "    async def test_it(self): sys.exit(0)\n"
        "    async def test_its_task(self): await asyncio.create_task(leave())\n"
    )
    done = commands.smokegate("run", tmp_path / "test_exits.py")
    assert done.code == 30, done.text
    assert set(commands.outcomes.values()) == {"unknown"}


@pytest.mark.parametrize(
    "url", ["http://user:sekret@h", "htp://user:sekret@h", "user:sekret@h", "http://h/?t=sekret"]
)
def test_a_secret_in_the_url_is_not_repeated(tmp_path: Path, url: str) -> None:
    commands = Commands(tmp_path, {"PRODUCTION_URL": url})
    for command in ([BIN / "smokegate", "run"], [SUITES / "smoke_test_runner.sh"]):
        done = commands(*command)
        assert done.code == 2, done.text
        assert "sekret" not in done.text
