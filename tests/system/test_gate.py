"""Argo Rollouts, Flagger and curl drive `smokegate serve` through promotion, pause and rollback."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.gate.service.gate.gates import until
from tests.gate.service.gate.github_server import INSTALLATION_TOKEN, SmallGitHub, small_github
from tests.gate.suite_folder import SuiteFolder
from tests.system.command import BIN, ENDED_WITHIN_S, ROOT, Commands
from tests.system.rollouts.argo import (
    ERROR,
    FAILED,
    INCONCLUSIVE,
    SUCCESSFUL,
    AnalysisRun,
    job,
    metric_of,
    web,
)
from tests.system.rollouts.flagger import Canary
from tests.system.tiny_upstream import TinyUpstream

TOKEN = "a-token-of-these-tests"
ARGO = ROOT / "deploy/argo"
GUIDE = (ROOT / "docs/gate.md").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((ROOT / "deploy/github/gate.yml").read_text(encoding="utf-8"))
CONFIRM = "confirm-promotion"
CANARY = ROOT / "deploy/flagger/canary.yaml"
SUITE = """
    import asyncio
    from pathlib import Path

    HOLD = Path({hold!r})

    class TestProductionHealth(HealthSuite):
        async def test_version(self, client: Client) -> None:
            \"\"\"The version is a good one.\"\"\"
            while HOLD.exists():
                await asyncio.sleep(0.02)
            version = (await client.get("/json")).json["version"]
            if version == "unclear":
                raise RuntimeError("this machine has trouble of its own")
            assert version != "broken"

        async def test_text(self, client: Client) -> None:
            \"\"\"The text is there.\"\"\"
            expect(await client.get("/text")).status(200)
"""


class Service:
    """A gate service on the suites and the targets of a folder, which can be started anew.

    `client` is somebody without a token.
    """

    def __init__(self, folder: Path, upstream: TinyUpstream, **environment: str) -> None:
        self.folder, self.upstream = folder, upstream
        self.hold = folder / "hold"
        SuiteFolder(folder / "suites").write("test_small.py", SUITE.format(hold=str(self.hold)))
        (folder / "fleet.toml").write_text(
            f'[defaults]\npaths = ["suites"]\nrequire = ["health"]\nsample_requests = 0\n'
            f'health_path = "/json"\nsettle_connections = 1\nwait_s = 0\n'
            f'[targets.shop]\nurl = "{upstream.url}"\n'
            f'[targets.shop-primary]\nurl = "{upstream.url}"\n'
        )
        history = f"sqlite:///{folder / 'history.db'}"
        environment |= {"SMOKEGATE_TOKEN": TOKEN, "SMOKEGATE_HISTORY": history}
        self.commands = Commands(folder, environment)
        self.process: subprocess.Popen[str] | None = None
        self.client = httpx2.Client()

    def start(self) -> None:
        """Start it at a free port."""
        fleet = self.folder / "fleet.toml"
        command = (BIN / "smokegate", "serve", "--port", "0", "--targets", fleet)
        self.process = self.commands.start(*command)
        assert self.process.stdout
        found = re.search(r"http://\S+", self.process.stdout.readline())
        assert found, self.process.communicate()
        self.client = httpx2.Client(base_url=found[0], timeout=ENDED_WITHIN_S)

    def end(self, number: signal.Signals = signal.SIGTERM) -> str:
        """End it; what it said on standard error."""
        assert self.process
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=ENDED_WITHIN_S)
        self.client.close()
        return said

    @property
    def runs(self) -> int:
        """How many runs have asked the target for the text, each does once."""
        return self.upstream.seen.count(("GET", "/text"))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let runs begin and not end."""
        self.hold.touch()
        try:
            yield
        finally:
            self.hold.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def upstream() -> Iterator[TinyUpstream]:
    with TinyUpstream() as there:
        yield there


@pytest.fixture(scope="module")
def github() -> Iterator[SmallGitHub]:
    with small_github(SmallGitHub()) as there:
        yield there


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, upstream: TinyUpstream, github: SmallGitHub
) -> Iterator[Service]:
    """A service that several tests ask."""
    told = {"SMOKEGATE_GITHUB_API": github.url, "SMOKEGATE_GITHUB_TOKEN": INSTALLATION_TOKEN}
    service = Service(tmp_path_factory.mktemp("gate"), upstream, **told)
    service.start()
    yield service
    said = service.end()
    assert service.process
    assert (service.process.returncode, said) == (0, "")


@pytest.fixture
def service(shared: Service) -> Service:
    """The same, with a good version deployed."""
    shared.upstream.version = "2.0.0"
    return shared


def analysis(service: Service, revision: str, template: str = "web", **args: str) -> AnalysisRun:
    """An analysis by a template of ours."""
    given = {"target": "shop", "revision": revision, "token": TOKEN, **args}
    metric = metric_of(ARGO / f"analysis-{template}.yaml", given)
    return AnalysisRun(metric, web(service.client))


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("deployed", "expected", "value", "phase"),
    [
        ("2.0.0", "2.0.0", "proceed", SUCCESSFUL),
        ("broken", "broken", "rollback", FAILED),
        ("1.9.0", "2.0.0", "investigate", INCONCLUSIVE),
        ("unclear", "unclear", "inconclusive", INCONCLUSIVE),
    ],
)
def test_argo_promotes_aborts_or_pauses_by_the_verdict(
    service: Service, deployed: str, expected: str, value: str, phase: str
) -> None:
    service.upstream.version = deployed
    run = analysis(service, f"revision-{deployed}", version=expected)
    assert run.status() == phase
    assert run.values == [value]


def test_argo_that_polls_waits_for_the_verdict(service: Service) -> None:
    """The wait of the manifest is cut, so that it polls."""
    with service.held():
        run = analysis(service, "polled", "web-polling")
        there = run.metric["provider"]["web"]
        there["url"] = there["url"].replace("wait=8", "wait=0")
        measure = run.measure

        def measured(metric: dict[str, Any]) -> tuple[str, str]:
            if len(run.values) == 2:
                service.hold.unlink()
                there["url"] = there["url"].replace("wait=0", "wait=60")
            return measure(metric)

        run.measure = measured
        assert run.status() == SUCCESSFUL
    assert run.values == ["running"] * 2 + ["proceed"] * 38


def test_argo_with_a_limit_at_its_count_would_promote_what_nobody_judged(
    service: Service,
) -> None:
    """Why the templates' limit stays below the count."""
    with service.held():
        run = analysis(service, "unjudged", "web-polling")
        there = run.metric["provider"]["web"]
        there["url"] = there["url"].replace("wait=8", "wait=0")
        run.metric |= {"count": 3, "inconclusiveLimit": 3}
        assert run.status() == SUCCESSFUL
        run.metric["inconclusiveLimit"] = 2
        assert AnalysisRun(run.metric, run.measure).status() == INCONCLUSIVE
        (order,) = (
            each
            for each in (service.folder / "journal/gate").glob("*.order")
            if b"unjudged" in each.read_bytes()
        )
        headers = {"authorization": f"Bearer {TOKEN}"}
        gone = service.client.delete(f"/api/runs/{order.stem}", headers=headers).json()
        assert gone["state"] == "cancelled"


def test_a_controller_that_is_restarted_gets_the_same_run(service: Service) -> None:
    """Its first request is cut off; what it asks afterwards is the same, and so is the run."""
    before = service.runs
    with service.held():
        metric = analysis(service, "restarted").metric
        metric["provider"]["web"]["timeoutSeconds"] = 0.2
        assert web(service.client)(metric)[0] == ERROR
    assert analysis(service, "restarted").status() == SUCCESSFUL
    assert service.runs == before + 1


def test_argos_job_fails_by_the_exit_code(service: Service) -> None:
    service.upstream.version = "broken"
    args = {"url": service.upstream.url, "version": "broken"}
    quick = {
        "SMOKEGATE_REQUIRE": "health",
        "SMOKEGATE_SAMPLE_REQUESTS": "0",
        "SMOKEGATE_HEALTH_PATH": "/json",
        "SMOKEGATE_WAIT_S": "0",
    }
    commands = Commands(service.folder, quick)

    def run(words: list[str]) -> int:
        assert words[0] == "smokegate"
        return commands.smokegate(*words[1:], service.folder / "suites").code

    analysis = AnalysisRun(metric_of(ARGO / "analysis-job.yaml", args), job(run))
    assert analysis.status() == FAILED
    assert analysis.values == ["exit code 20"]


def canary(service: Service, checksum: str) -> Canary:
    return Canary.of(CANARY, service.client, checksum, TOKEN)


def test_flagger_promotes_what_is_good(service: Service) -> None:
    before = service.runs
    rollout = canary(service, "good")
    assert rollout.until("Succeeded", "Failed") == "Succeeded"
    assert "pre-rollout passed" in rollout.events
    assert rollout.events[-1] == "post-rollout passed"
    assert not rollout.failed_checks
    until(lambda: service.runs == before + 3)


def test_flagger_rolls_back_what_is_bad_and_says_why(service: Service) -> None:
    service.upstream.version = "broken"
    rollout = canary(service, "bad")
    assert rollout.until("Succeeded", "Failed") == "Failed"
    assert rollout.weight == 0
    assert rollout.failed_checks == 1
    why = next(each for each in rollout.events if each.startswith("pre-rollout failed"))
    assert why.startswith("pre-rollout failed: rollback: health.test_version")
    assert TOKEN not in "".join(rollout.events)


def test_flagger_neither_promotes_nor_rolls_back_by_what_is_not_known(service: Service) -> None:
    rollout = canary(service, "unclear")
    rollout.until_grown()
    service.upstream.version = "unclear"
    for _ in range(2 * rollout.analysis["threshold"]):
        rollout.advance()
    assert (rollout.phase, rollout.failed_checks) == ("WaitingPromotion", 0)
    assert "confirm-promotion failed: inconclusive" in "".join(rollout.events)


def test_flagger_promotes_nothing_while_a_run_goes_on(service: Service) -> None:
    rollout = canary(service, "slow")
    rollout.until_grown()
    (gate,) = (each for each in rollout.analysis["webhooks"] if each["type"] == CONFIRM)
    gate["url"] += "&wait=0"
    with service.held():
        for _ in range(3):
            rollout.advance()
        assert rollout.phase == "WaitingPromotion"
    gate["url"] = gate["url"].replace("&wait=0", "&wait=60")
    assert rollout.until("Promoting", "Failed") == "Promoting"


def bash(service: Service, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script of ours, as GitHub and people run it."""
    for program in ("curl", "jq"):
        if not shutil.which(program):
            pytest.skip(f"no {program}: make ci-tools")
    told = {"GATE": str(service.client.base_url).rstrip("/"), **environment}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_guides_commands_print_the_verdict(service: Service) -> None:
    (script,) = re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    done = bash(service, script, SMOKEGATE_TOKEN=TOKEN)
    assert (done.stdout, done.stderr) == ("proceed\n", "")


def test_the_workflow_fails_by_the_verdict_and_github_hears_of_it(
    service: Service, github: SmallGitHub
) -> None:
    service.upstream.version = "broken"
    *_, step = WORKFLOW["jobs"]["deploy"]["steps"]
    assert set(step["env"]) == {"GATE", "TOKEN", "TARGET", "DEPLOYMENT"}
    done = bash(service, step["run"], TOKEN=TOKEN, TARGET="shop", DEPLOYMENT="o/r/5")
    assert (done.returncode, done.stdout, done.stderr) == (1, "The verdict is rollback.\n", "")
    until(lambda: len(github.told) == 2)
    assert [body["state"] for _, body in github.told] == ["in_progress", "failure"]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_gate_that_is_restarted_loses_no_answer(
    tmp_path: Path, upstream: TinyUpstream, number: signal.Signals
) -> None:
    """Killed, its run goes on and is waited for; ended, it is run again."""
    upstream.version = "2.0.0"
    service, before = Service(tmp_path, upstream), len(upstream.seen)
    service.start()
    found: list[tuple[str, str]] = []
    with service.held():
        metric = analysis(service, "7d4").metric
        asking = threading.Thread(target=lambda: found.append(web(service.client)(metric)))
        asking.start()
        until(lambda: len(upstream.seen) > before)
        service.end(number)
        asking.join()
        if number == signal.SIGTERM:
            assert found == [(INCONCLUSIVE, "running")]
        else:
            assert found[0][0] == ERROR
        service.start()
        assert (
            web(service.client)(
                {
                    **metric,
                    "provider": {"web": {**metric["provider"]["web"], "timeoutSeconds": 0.2}},
                }
            )[0]
            == ERROR
        )
    run = analysis(service, "7d4")
    assert (run.status(), run.values) == (SUCCESSFUL, ["proceed"])
    service.end()
    orders = list((tmp_path / "journal/gate").glob("*.order"))
    assert len(orders) == 1
    attempts = 1 if number == signal.SIGKILL else 2
    assert f'"attempts":{attempts},'.encode() in orders[0].read_bytes()
    assert len(list((tmp_path / "journal/gate").iterdir())) == 2
