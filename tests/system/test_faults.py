"""Faults acted out between smokegate and a real Lattice: who notices, and what is said of it.

The rows are kinds of trouble that deployments have; each is caught by the check that should.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.system.certificates import Certificates
from tests.system.command import Commands
from tests.system.fault_proxy import (
    Drip,
    EditJson,
    Fault,
    FaultProxy,
    FirstN,
    Gzip,
    GzipBomb,
    Latency,
    Redirect,
    ReflectOrigin,
    RemoveField,
    RemoveHeader,
    RenameHeaders,
    ReplaceBody,
    ResetBeforeReply,
    SetField,
    SetHeader,
    SetStatus,
    Truncate,
)
from tests.system.lattice_process import LatticeProcess
from tests.system.loop_thread import LoopThread

FAST = {
    "SMOKEGATE_TIMEOUT_S": "5",
    "SMOKEGATE_READ_BACK_WAIT_S": "0.2",
    "SMOKEGATE_USAGE_WAIT_S": "0.2",
    "SMOKEGATE_WEBHOOK_WAIT_S": "2",
    "SMOKEGATE_VERSION_WAIT_S": "0.2",
}
LOGIN, PATHFIND = "^/api/auth/login", "/pathfind$"
# What the clean-up sends, which is no part of the record of checks and resources.
CLEAN_UP = ("/api/auth/login", "/api/auth/me")


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    """The loop of the proxies."""
    with LoopThread() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(loop: LoopThread, lattice: LatticeProcess, certificates: Certificates) -> FaultProxy:
    """A proxy in front of the Lattice of this session."""
    return loop.keep(FaultProxy(lattice.upstream, tls=certificates.good().context()))


@pytest.fixture
def commands(tmp_path: Path, proxy: FaultProxy, lattice: LatticeProcess) -> Commands:
    """Commands whose target is the proxy."""
    settings = {"PRODUCTION_URL": proxy.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
    return Commands(tmp_path, {**settings, **FAST})


def shortcut(document: Any) -> Any:
    """A path that leaps over everything between its ends."""
    if isinstance(document, dict) and document.get("path"):
        document["path"] = [document["path"][0], document["path"][-1]]
        document["length"] = document["cost"] = 1
    return document


def swapped_ascii(body: bytes) -> bytes:
    """Text that lost everything beyond ASCII."""
    return json.dumps(json.loads(body)).encode().replace(b"\\u", b"?")


HEALTH, WORKFLOWS = "health.test_", "workflows.test_"
ROWS: dict[str, tuple[list[Fault], str, str]] = {
    "every reply is a 500": (
        [Fault(SetStatus(500))],
        HEALTH + "api_server_running",
        "rollback",
    ),
    "every POST is reset": (
        [Fault(ResetBeforeReply(), method="POST")],
        WORKFLOWS + "user_registration_flow",
        "rollback",
    ),
    "one endpoint is broken": (
        [Fault(SetStatus(500), path="^/api/usage")],
        WORKFLOWS + "usage_tracking_flow",
        "monitor",
    ),
    "a redirect to a foreign host": (
        [Fault(Redirect("https://foreign.example{target}", 307), path="^/health$")],
        HEALTH + "api_server_running",
        "rollback",
    ),
    "HSTS is missing": (
        [Fault(RemoveHeader("Strict-Transport-Security"))],
        HEALTH + "security_headers",
        "investigate",
    ),
    "any origin may call with credentials": (
        [Fault(ReflectOrigin())],
        HEALTH + "cors_headers",
        "rollback",
    ),
    "JSON that says it is HTML": (
        [Fault(SetHeader("Content-Type", "text/html"), path="^/(health|api)")],
        HEALTH + "api_server_running",
        "rollback",
    ),
    "the truncated reply of one endpoint": (
        [Fault(Truncate(0.5), path="^/api/plans")],
        WORKFLOWS + "subscription_flow",
        "monitor",
    ),
    "a decompression bomb from one endpoint": (
        [Fault(GzipBomb(64), path="^/api/usage")],
        WORKFLOWS + "usage_tracking_flow",
        "monitor",
    ),
    "one endpoint that drips": (
        [Fault(Drip(0.5), path="^/api/plans")],
        WORKFLOWS + "subscription_flow",
        "monitor",
    ),
    "a field that is gone": (
        [Fault(RemoveField(("path",)), path=PATHFIND)],
        WORKFLOWS + "lattice_pathfinding_flow",
        "monitor",
    ),
    "a wrong password that is accepted": (
        [Fault(SetStatus(200, instead_of=401), method="POST", path=LOGIN)],
        WORKFLOWS + "user_login_flow",
        "rollback",
    ),
    "a path through obstacles": (
        [Fault(EditJson(shortcut), path=PATHFIND)],
        WORKFLOWS + "lattice_pathfinding_flow",
        "rollback",
    ),
    "a way that is not there": (
        [Fault(SetField(("reachable",), True), path=PATHFIND)],
        WORKFLOWS + "lattice_pathfinding_flow",
        "rollback",
    ),
    "everything is an HTML page": (
        [Fault(SetStatus(200)), Fault(ReplaceBody(b"<html></html>", "text/html"))],
        HEALTH + "error_handling",
        "rollback",
    ),
    "another version": (
        [Fault(SetField(("version",), "0.0.1"), path="^/(health|version)$")],
        HEALTH + "api_server_running",
        "investigate",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_fault_is_caught_by_the_check_that_should(
    row: str, commands: Commands, proxy: FaultProxy, loop: LoopThread, lattice: LatticeProcess
) -> None:
    faults, check, verdict = ROWS[row]
    loop.run(proxy.act_out(*faults))
    arguments = ["--expect-version", lattice.version] if row == "another version" else []
    done = commands.smokegate("run", *arguments)
    run = commands.last_run
    outcomes = {each.id: each.outcome.value for each in run.checks}
    assert proxy.record.times_acted(faults[0]) > 0
    assert outcomes[check] in ("failed", "blocked"), done.text
    assert run.verdict.action.value == verdict, run.verdict
    assert done.code == {"rollback": 20, "investigate": 10, "monitor": 0}[verdict]
    assert "Traceback" not in done.err


HARMLESS: dict[str, list[Fault]] = {
    "unknown fields in every reply": [
        Fault(EditJson(lambda found: found | {"unknown": 1} if isinstance(found, dict) else found))
    ],
    "header names in another case": [Fault(RenameHeaders(str.upper))],
    "compressed replies": [Fault(Gzip())],
    "a redirect on the same origin": [
        Fault(Redirect("{target}?canonical=1", 308), path="^/health$")
    ],
    "a slow first request": [Fault(Latency(2.0), when=FirstN(1))],
    "one connection that is reset": [Fault(ResetBeforeReply(), when=FirstN(1))],
}


@pytest.mark.parametrize("condition", HARMLESS)
def test_what_healthy_deployments_show_opens_the_gate(
    condition: str, commands: Commands, proxy: FaultProxy, loop: LoopThread
) -> None:
    loop.run(proxy.act_out(*HARMLESS[condition]))
    done = commands.smokegate("run")
    assert done.code == 0, done.text


def test_no_write_arrives_twice(commands: Commands, proxy: FaultProxy, loop: LoopThread) -> None:
    loop.run(proxy.act_out(Fault(ResetBeforeReply(), method="POST", reused=True, when=FirstN(1))))
    before = len(proxy.record.forwarded), len(proxy.record.strikes)
    commands.smokegate("run")
    run = commands.last_run
    attempts = [each for check in run.checks for each in check.attempts]
    attempts += [each for resource in run.resources for each in resource.attempts]
    exchanges = [exchange for attempt in attempts for exchange in attempt.exchanges]
    recorded = Counter((each.method, urlsplit(each.url).path) for each in exchanges)
    arrived = Counter(
        (each.method, each.target.partition("?")[0])
        for each in proxy.record.forwarded[before[0] :]
        if each.method not in ("GET", "HEAD", "OPTIONS") and each.target not in CLEAN_UP
    )
    assert ("POST", "/api/auth/register") in arrived
    assert not arrived - recorded, "more writes arrived than the record says"
    assert {each.sends for each in exchanges if each.method == "POST"} <= {0, 1}
    assert len(proxy.record.strikes) > before[1], "no kept connection was lost"
