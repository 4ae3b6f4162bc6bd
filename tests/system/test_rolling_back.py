"""Rolling back: the command is run by smokegate, and something really goes back because of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from smokegate.fault_proxy import Fault, FaultProxy, SetField, SetStatus
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread
from smokegate.results import JudgedRun, from_json

from tests.gate.notify.others import SECRET, Others, others
from tests.system.command import BIN, UNSAMPLED, Commands
from tests.system.deployment import Deployment
from tests.system.lattice_process import LatticeProcess

BROKEN = Fault(SetStatus(500), path="^/health/database$")


def serving(version: str) -> Fault:
    return Fault(SetField(("version",), version), path="^/(health|version)$")


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    with LoopThread() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(loop: LoopThread, lattice: LatticeProcess, certificates: Certificates) -> FaultProxy:
    return loop.keep(FaultProxy(lattice.upstream, tls=certificates.good().context()))


class Orchestrator:
    """What a rollback command talks to: it remembers what was asked for, and does it."""

    def __init__(self, go_back: Callable[[], None]) -> None:
        self.go_back = go_back
        self.asked_for: list[str] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Listen for requests; gives the URL."""
        orchestrator = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                orchestrator.asked_for.append(self.path.removeprefix("/"))
                orchestrator.go_back()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()


COMMAND = """
import os, sys, urllib.request
version = os.environ["SMOKEGATE_ROLLBACK_TO"]
request = urllib.request.Request(f"{sys.argv[1]}/{version}", method="POST")
print("asked for", version, urllib.request.urlopen(request).status)
"""


@pytest.fixture
def deployment(
    tmp_path: Path, proxy: FaultProxy, lattice: LatticeProcess, loop: LoopThread
) -> Deployment:
    settings = {"PRODUCTION_URL": proxy.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
    # Too few times to be compared with those before: how fast a busy machine is matters elsewhere.
    settings |= UNSAMPLED | {"SMOKEGATE_LATENCY_SAMPLES": "10"}
    return Deployment(Commands(tmp_path, settings), proxy, loop)


@pytest.fixture
def orchestrator(deployment: Deployment, tmp_path: Path) -> Iterator[Orchestrator]:
    """Something that goes back to a sound version 1.0.0 when the rollback command asks for it."""
    made = Orchestrator(lambda: deployment.becomes(serving("1.0.0")))
    script = tmp_path / "go_back.py"
    script.write_text(COMMAND)
    with made.listening() as url:
        command = f"{sys.executable} {script} {url}"
        deployment.commands.environment["SMOKEGATE_ROLLBACK_COMMAND"] = command
        yield made


def runs(deployment: Deployment) -> list[JudgedRun]:
    """Every run among the results, the oldest first."""
    found = [
        from_json(path.read_bytes()) for path in deployment.commands.results.glob("run_*.json")
    ]
    return sorted(found, key=lambda run: run.started_at)


@pytest.fixture
def told() -> Iterator[Others]:
    with others() as there:
        yield there


def test_a_bad_release_is_rolled_back_once_and_verified_again(
    deployment: Deployment, orchestrator: Orchestrator, told: Others, tmp_path: Path
) -> None:
    assert deployment.before(serving("1.0.0")).code == 0
    summary, output = tmp_path / "step_summary", tmp_path / "outputs"
    deployment.commands.environment |= {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_OUTPUT": str(output),
        "SMOKEGATE_ALERT_WEBHOOK": f"{told.url}/hook",
        "SMOKEGATE_ALERT_WEBHOOK_SECRET": SECRET,
    }
    done = deployment.after(serving("2.0.0"), BROKEN, options=("--act",))
    assert done.code == 20, done.text
    assert told.types == ["incident.opened", "incident.resolved"]
    assert orchestrator.asked_for == ["1.0.0"]
    assert "  | asked for 1.0.0 204" in done.out
    assert "The rollback helped." in done.out
    assert "rolled-back-to<<" in output.read_text()
    assert "Rolled back to version 1.0.0\\: it helped" in summary.read_text()
    _, judged, again = runs(deployment)
    assert (judged.version, judged.verdict.action.value) == ("2.0.0", "rollback")
    assert (again.version, again.verdict.action.value) == ("1.0.0", "proceed")
    assert again.settings["expect_version"] == "1.0.0"
    twice = deployment.after(serving("2.0.0"), BROKEN, options=("--act",))
    assert twice.code == 20
    assert "Rollback refused: this deployment was acted on before" in twice.out
    assert orchestrator.asked_for == ["1.0.0"]


@pytest.mark.long
def test_a_rollback_that_does_not_help_is_said(
    deployment: Deployment, orchestrator: Orchestrator
) -> None:
    orchestrator.go_back = lambda: None
    deployment.commands.environment["SMOKEGATE_WAIT_S"] = "1"
    deployment.before(serving("1.0.0"))
    done = deployment.after(serving("2.0.0"), BROKEN, options=("--act",))
    assert done.code == 20, done.text
    assert "The rollback did not help." in done.out
    again = runs(deployment)[-1]
    assert again.verdict.action.value == "investigate"
    assert "the expected version is not there: 2.0.0 in 10 of 10" in again.verdict.reason


@pytest.mark.long
def test_without_act_it_is_only_said_what_would_be_done(
    deployment: Deployment, orchestrator: Orchestrator
) -> None:
    deployment.before(serving("1.0.0"))
    done = deployment.after(serving("2.0.0"), BROKEN)
    assert done.code == 20
    assert "With --act this would go back to version 1.0.0: " in done.out
    assert orchestrator.asked_for == []


@pytest.mark.long
def test_what_failed_before_too_is_never_acted_on(
    deployment: Deployment, orchestrator: Orchestrator
) -> None:
    deployment.before(serving("1.0.0"), BROKEN)
    metrics = Fault(SetStatus(500), path="^/metrics$")
    done = deployment.after(serving("2.0.0"), BROKEN, metrics, options=("--act",))
    assert done.code == 20
    assert "Rollback refused: control run " in done.out
    assert "ended as rollback too; decide by hand." in done.out
    assert orchestrator.asked_for == []


@pytest.mark.long
def test_an_interruption_while_acting_ends_the_command_and_keeps_the_verdict(
    deployment: Deployment, tmp_path: Path
) -> None:
    script = tmp_path / "hang.py"
    script.write_text("import os, time; print('pid', os.getpid(), flush=True); time.sleep(600)")
    command = f"{sys.executable} {script}"
    deployment.commands.environment["SMOKEGATE_ROLLBACK_COMMAND"] = command
    deployment.before(serving("1.0.0"))
    deployment.becomes(serving("2.0.0"), BROKEN)
    process = deployment.commands.start(
        BIN / "smokegate", "run", "--baseline", deployment.baseline, "--act"
    )
    assert process.stdout is not None
    line = next(line for line in process.stdout if line.startswith("  | pid "))
    process.terminate()
    _, err = process.communicate()
    assert process.returncode == 20, err
    assert err == "smokegate: interrupted while acting; look at what the target serves\n"
    with pytest.raises(ProcessLookupError):
        os.kill(int(line.split()[-1]), 0)


@pytest.mark.long
def test_a_good_release_is_left_alone(deployment: Deployment, orchestrator: Orchestrator) -> None:
    deployment.before(serving("1.0.0"))
    done = deployment.after(serving("2.0.0"), options=("--act",))
    assert done.code == 0, done.text
    assert "ollback" not in done.out
    assert orchestrator.asked_for == []


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("true", (), "--act: give --baseline"),
        ("", ("--baseline", "x.json"), "--act: there is no rollback_command"),
        ("'", ("--baseline", "x.json"), "cannot be divided into words"),
    ],
)
def test_what_would_keep_it_from_acting_is_said_before_the_run(
    deployment: Deployment, command: str, options: tuple[str, ...], words: str
) -> None:
    deployment.commands.environment["SMOKEGATE_ROLLBACK_COMMAND"] = command
    done = deployment.commands.smokegate("run", "--act", *options)
    assert done.code == 2, done.text
    assert words in done.err
    assert len(done.err.splitlines()) == 1
