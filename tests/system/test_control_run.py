"""Control runs before and after a deployment, against a real Lattice behind a proxy with faults."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from smokegate.fault_proxy import Fault, FaultProxy, Latency, SetField, SetStatus
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread
from smokegate.results import from_json

from tests.system.command import BIN, UNSAMPLED, Commands
from tests.system.deployment import Deployment
from tests.system.lattice_process import LatticeProcess

BROKEN = Fault(SetStatus(500), path="^/health/database$")
DATABASE = "health.test_database_connection"
SPEED = "health.test_api_response_time"


@pytest.fixture(scope="module")
def loop() -> Iterator[LoopThread]:
    with LoopThread() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(loop: LoopThread, lattice: LatticeProcess, certificates: Certificates) -> FaultProxy:
    return loop.keep(FaultProxy(lattice.upstream, tls=certificates.good().context()))


@pytest.fixture
def deployment(
    tmp_path: Path, proxy: FaultProxy, lattice: LatticeProcess, loop: LoopThread
) -> Deployment:
    settings = {"PRODUCTION_URL": proxy.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
    return Deployment(Commands(tmp_path, settings | UNSAMPLED), proxy, loop)


def test_what_failed_before_too_is_to_be_investigated(deployment: Deployment) -> None:
    assert deployment.before(BROKEN).code == 20
    done = deployment.after(BROKEN)
    assert done.code == 10, done.text
    verdict = deployment.commands.last_run.verdict
    assert verdict.deciding == [DATABASE]
    before = from_json(deployment.baseline.read_bytes()).run_id
    assert f"failed before the deployment too (run {before})" in verdict.reason


def test_what_fails_anew_rolls_back(deployment: Deployment) -> None:
    deployment.before(BROKEN)
    done = deployment.after(BROKEN, Fault(SetStatus(500), path="^/metrics$"))
    assert done.code == 20, done.text
    verdict = deployment.commands.last_run.verdict
    assert verdict.deciding == ["health.test_metrics_endpoint"]
    assert [each.check for each in verdict.mitigated] == [DATABASE]


@pytest.mark.long
def test_another_failure_of_the_same_check_rolls_back(deployment: Deployment) -> None:
    deployment.before(BROKEN)
    done = deployment.after(Fault(SetField(("database",), "away"), path="^/health/database$"))
    assert done.code == 20, done.text
    assert deployment.commands.last_run.verdict.mitigated == []


@pytest.mark.long
def test_a_target_that_became_slow_is_noticed(deployment: Deployment) -> None:
    assert deployment.before().code == 0
    done = deployment.after(Fault(Latency(0.1), path="^/health$"))
    assert done.code == 10, done.text
    run = deployment.commands.last_run
    assert run.verdict.deciding == [SPEED]
    assert "as fast as before the deployment" in run.verdict.reason


@pytest.mark.long
def test_a_target_that_did_not_change_may_proceed(deployment: Deployment) -> None:
    before = deployment.before()
    assert before.code == 0, before.text
    done = deployment.after()
    assert done.code == 0, done.text
    run = deployment.commands.last_run
    assert run.baseline is not None
    assert run.baseline.run_id == from_json(deployment.baseline.read_bytes()).run_id
    (check,) = (each for each in run.checks if each.id == SPEED)
    assert any("as fast as before" in each.demand for each in check.attempts[-1].expectations)


@pytest.mark.long
def test_without_a_baseline_there_is_no_word_on_speed(deployment: Deployment) -> None:
    deployment.before()
    (check,) = (each for each in deployment.commands.last_run.checks if each.id == SPEED)
    assert check.remarks[0].startswith("no baseline for the time of GET /health: 20 samples now")


@pytest.mark.long
def test_samples_of_good_runs_are_carried_along(deployment: Deployment) -> None:
    for _ in range(2):
        deployment.before()
    saved = from_json(deployment.baseline.read_bytes())
    assert [len(times_s) for times_s in saved.earlier_samples["GET /health"]] == [20]


def test_a_part_of_the_checks_is_no_baseline(deployment: Deployment) -> None:
    done = deployment.commands.smokegate(
        "run", "-k", "database", "--save-baseline", deployment.baseline
    )
    assert done.code == 0, done.text
    assert "only a part of the checks" in done.err
    assert len(done.err.splitlines()) == 1
    assert not deployment.baseline.exists()


def test_an_interrupted_run_is_no_baseline(deployment: Deployment) -> None:
    process = deployment.commands.start(
        BIN / "smokegate", "run", "--save-baseline", deployment.baseline
    )
    while not list(deployment.commands.journal.glob("*.journal")):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 30
    assert "the run was interrupted" in err
    assert not deployment.baseline.exists()


@pytest.mark.parametrize("option", ["--baseline", "--save-baseline"])
def test_what_is_no_run_is_wrong_use_before_any_request(
    deployment: Deployment, proxy: FaultProxy, option: str
) -> None:
    deployment.baseline.write_text("# notes\n")
    asked = len(proxy.record.forwarded)
    done = deployment.commands.smokegate("run", option, deployment.baseline)
    assert done.code == 2, done.text
    assert len(done.err.splitlines()) == 1
    assert len(proxy.record.forwarded) == asked
    assert deployment.baseline.read_text() == "# notes\n"


@pytest.mark.long
def test_a_baseline_of_another_target_excuses_nothing(
    deployment: Deployment, lattice: LatticeProcess
) -> None:
    deployment.commands.environment["PRODUCTION_URL"], there = (
        lattice.url,
        deployment.commands.environment["PRODUCTION_URL"],
    )
    deployment.before()
    deployment.commands.environment["PRODUCTION_URL"] = there
    done = deployment.after(BROKEN)
    assert done.code == 20, done.text
    assert "is of another target" in done.out
