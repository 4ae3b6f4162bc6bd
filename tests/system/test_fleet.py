"""Many targets verified by one process."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml
from smokegate.fault_proxy.certificates import Certificates

from tests.system.command import BIN, ROOT, Commands
from tests.system.many_servers import KINDS, Server, fleet_file, many_servers
from tests.system.tls_broker import TlsRedis

ONE_IN = 4


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Server]]:
    with many_servers(ONE_IN * len(KINDS), ONE_IN) as servers:
        yield servers


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path, {"SMOKEGATE_HISTORY": f"sqlite:///{tmp_path / 'history.db'}"})


def report_of(folder: Path) -> dict[str, Any]:
    (file,) = folder.glob("fleet_*.json")
    report: dict[str, Any] = json.loads(file.read_text())
    return report


def test_every_broken_one_is_named_and_no_other(
    servers: list[Server], commands: Commands, tmp_path: Path
) -> None:
    fleet, results = fleet_file(tmp_path, servers), tmp_path / "results"
    done = commands.smokegate("fleet", fleet, "--results", results, "--per-host", "100")
    assert done.code == 20, done.text
    broken = {server.name for server in servers if server.broken}
    report = report_of(results)
    assert {each["name"] for each in report["targets"] if each["action"] != "proceed"} == broken
    assert len(report["targets"]) == len(servers)
    assert [each["action"] for each in report["targets"][: len(broken)]] == ["rollback"] * len(
        broken
    )
    for each in report["targets"]:
        assert bool(each["page"]) == (each["name"] in broken)
        assert not each["page"] or (results / each["page"]).is_file()
    assert all(f"✗ {name} rollback: " in done.out for name in broken)
    assert f"ROLLBACK: {len(broken)} rollback, {len(servers) - len(broken)} proceed" in done.out
    (xml,) = results.glob("fleet_*.xml")
    suite = JUnitXml.fromfile(str(xml))
    assert (suite.tests, suite.failures, suite.errors) == (len(servers), len(broken), 0)
    listed = commands.smokegate("history", "list", "--limit", "100", "--json")
    assert len(json.loads(listed.out)["runs"]) == len(servers)


def test_the_workers_of_a_location_come_to_the_same(
    servers: list[Server], commands: Commands, tmp_path: Path, certificates: Certificates
) -> None:
    few = servers[: 3 * ONE_IN]
    fleet, results = fleet_file(tmp_path, few), tmp_path / "results"
    with TlsRedis(certificates) as broker:
        commands.environment |= {
            "SMOKEGATE_BROKER": broker.url,
            "SMOKEGATE_BROKER_CA_FILE": broker.ca_file,
        }
        worker = commands.start(
            BIN / "smokegate", "worker", "--location", "here", "--targets", fleet
        )
        with worker:
            try:
                done = commands.smokegate(
                    "fleet", fleet, "--distributed", "here", "--results", results
                )
            finally:
                worker.terminate()
                worker.communicate()
    assert done.code == 20, done.text
    report = report_of(results)
    broken = {server.name for server in few if server.broken}
    assert {each["name"] for each in report["targets"] if each["action"] != "proceed"} == broken
    assert {each["action"] for each in report["targets"]} == {"proceed", "rollback"}
    listed = commands.smokegate("history", "list", "--limit", "100", "--json")
    assert len(json.loads(listed.out)["runs"]) == len(few)


@pytest.mark.long
def test_a_location_that_nobody_serves_is_no_answer(
    servers: list[Server], commands: Commands, tmp_path: Path, certificates: Certificates
) -> None:
    fleet = fleet_file(tmp_path, [server for server in servers if not server.broken][:2])
    with TlsRedis(certificates) as broker:
        commands.environment |= {
            "SMOKEGATE_BROKER": broker.url,
            "SMOKEGATE_BROKER_CA_FILE": broker.ca_file,
            "SMOKEGATE_LOCATION_WAIT_S": "1",
        }
        done = commands.smokegate(
            "fleet", fleet, "--distributed", "nowhere", "--results", tmp_path / "results"
        )
    assert done.code == 30, done.text
    assert done.out.count("nowhere: no worker took it within 1 s") == 2


OTHERS = """
from contract import Health
from smokegate import Client, HealthSuite, expect


class TestProductionHealth(HealthSuite):
    async def test_version(self, client: Client, health: Health) -> None:
        assert (health.version, type(health)) == ("1.0.0", Health)
"""
CONTRACT = """
from __future__ import annotations

import msgspec


class Version(msgspec.Struct):
    version: Text


class Health(Version):
    status: Text


Text = str
"""
RESOURCES = """
from contract import Health
from smokegate import Client, resource


@resource
async def health(client: Client) -> Health:
    return (await client.get("/health")).read(Health)
"""


def test_each_target_has_suites_of_its_own_under_names_that_others_have_too(
    servers: list[Server], commands: Commands, tmp_path: Path
) -> None:
    fine = [server for server in servers if not server.broken][:3]
    fleet = fleet_file(tmp_path, fine)
    for number, each in enumerate(("one", "two")):
        folder = tmp_path / each
        folder.mkdir()
        (folder / "test_production_health.py").write_text(OTHERS)
        (folder / "contract.py").write_text(CONTRACT + f"\nNUMBER = {number}\n")
        (folder / "resources.py").write_text(RESOURCES)
    text = fleet.read_text()
    for server, each in zip(fine, ("one", "two"), strict=False):
        text = text.replace(
            f'url = "{server.url}"\n', f'url = "{server.url}"\npaths = ["{each}"]\n'
        )
    fleet.write_text(text)
    done = commands.smokegate("fleet", fleet, "--results", tmp_path / "results")
    assert done.code == 0, done.text
    reasons = {each["name"]: each["reason"] for each in report_of(tmp_path / "results")["targets"]}
    one = "the one check that applies passed"
    assert list(map(reasons.get, (server.name for server in fine))) == [
        one,
        one,
        "all 3 checks that apply passed",
    ]


def test_an_interrupted_fleet_reports_what_it_has(
    servers: list[Server], commands: Commands, tmp_path: Path
) -> None:
    silent = next(server for server in servers if server.broken == "it is silent")
    fine = [server for server in servers if not server.broken][:9]  # so that each is told
    fleet, results = fleet_file(tmp_path, [*fine, silent]), tmp_path / "results"
    patient = Commands(tmp_path, {"API_TIMEOUT": "100", "SMOKEGATE_WAIT_S": "100"})
    fleet.write_text(fleet.read_text().replace("timeout_s = 2\nwait_s = 2\n", ""))
    with patient.start(BIN / "smokegate", "fleet", fleet, "--results", results) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(f"{len(fine)} of "):
                break
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
    assert process.returncode == 30
    assert "Interrupted by SIGINT: not all were verified." in out
    report = report_of(results)
    assert report["interrupted"] == "SIGINT"
    assert [each["name"] for each in report["targets"] if each["action"] != "proceed"] == [
        silent.name
    ]


@pytest.mark.long
def test_a_history_that_is_away_is_said_once(
    servers: list[Server], commands: Commands, tmp_path: Path
) -> None:
    fine = [server for server in servers if not server.broken][:3]
    fleet = fleet_file(tmp_path, fine)
    away = Commands(tmp_path, {"SMOKEGATE_HISTORY": f"sqlite:///{fleet}/history.db"})
    done = away.smokegate("fleet", fleet, "--results", tmp_path / "results")
    assert done.code == 0, done.text
    (line,) = done.err.splitlines()
    assert "the run is not in the history yet: " in line
    assert line.endswith("(so for 3 targets)")
    listed = commands.smokegate("history", "list", "--json")
    assert json.loads(listed.out)["runs"] == []
    again = commands.smokegate("run", tmp_path / "suites", "--url", fine[0].url)
    assert again.code in (0, 30), again.text
    listed = commands.smokegate("history", "list", "--json")
    assert len(json.loads(listed.out)["runs"]) == 4


def test_the_report_is_there_though_its_copy_cannot_be_written(
    servers: list[Server], commands: Commands, tmp_path: Path
) -> None:
    fine = next(server for server in servers if not server.broken)
    fleet, nowhere = fleet_file(tmp_path, [fine]), tmp_path / "suites" / "none" / "fleet.json"
    done = commands.smokegate("fleet", fleet, "--json", nowhere, "--results", tmp_path / "results")
    assert (done.code, done.err) == (
        0,
        f"smokegate: --json: {nowhere}: No such file or directory\n",
    )
    assert len(report_of(tmp_path / "results")["targets"]) == 1


def test_the_example_of_the_documentation_is_one(commands: Commands, tmp_path: Path) -> None:
    text = (ROOT / "docs/fleet.md").read_text(encoding="utf-8")
    file = tmp_path / "fleet.toml"
    file.write_text(text.partition("```toml\n")[2].partition("```")[0])
    commands.environment["CHECKOUT_PASSWORD"] = "of the checkout"
    done = commands.smokegate("fleet", file, "--select", "payments", "--select", "search", "--list")
    assert done.code == 0, done.text
    assert [line.split()[0] for line in done.out.splitlines()] == [
        "checkout-eu",
        "checkout-us",
        "search",
    ]


def test_some_of_them_are_selected(commands: Commands, tmp_path: Path) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(
        '[targets.a]\nurl = "http://a"\ntags = ["europe"]\n[targets.b]\nurl = "http://b"\n'
        '[targets.c]\nurl = "http://c"\n'
    )
    done = commands.smokegate("fleet", file, "--select", "europe", "--select", "c", "--list")
    assert (done.code, done.out) == (0, "a  http://a  (europe)\nc  http://c\n")
    done = commands.smokegate("fleet", file, "--select", "eurpe")
    assert done.code == 2
    assert done.err == (
        "smokegate: --select: no target has the name or the tag 'eurpe'; did you mean europe?\n"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[targets.a]\nurl = "http://a"\npaths = ["none"]', "none"),
        ('[targets.a]\nurl = "http://a"\npaths = ["suites"]\nhelth_path = "/h"', "target 'a': "),
        ('[targets.a]\nurl = "http://a"\npaths = ["suites"]\nca_file = "none"', "ca_file: none"),
        ("[targets.a", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    commands: Commands, tmp_path: Path, text: str, line: str
) -> None:
    file = fleet_file(tmp_path, [])
    file.write_text(text)
    done = commands.smokegate("fleet", file)
    assert done.code == 2
    assert line in done.err
    assert done.err.count("target 'a'") <= 1
    assert len(done.err.splitlines()) == 1
    assert done.out == ""
