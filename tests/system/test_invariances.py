"""What must not matter to a verdict: where and how the same suites are run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from smokegate.fault_proxy import Fault, FaultProxy, SetStatus
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.gate.notify.others import HOOK, ROUTING_KEY, SECRET, Answer, others
from tests.system.command import SUITES, Commands
from tests.system.lattice_process import LatticeProcess

HEALTH, WORKFLOWS = SUITES / "test_production_health.py", SUITES / "test_critical_workflows.py"
# One that decides, one that is shared by many, one that only weakens the verdict.
FAULTS = [
    Fault(SetStatus(500), path="^/metrics$"),
    Fault(SetStatus(500), path="^/api/plans$"),
    Fault(SetStatus(404), path="/bulk$"),
]
CIRCUMSTANCES = {
    "C's locale, one connection": {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONHASHSEED": "1",
        "SMOKEGATE_MAX_CONNECTIONS": "1",
    },
    "Turkish letters, 16 connections": {
        "LC_ALL": "tr_TR.UTF-8",
        "TZ": "Asia/Kathmandu",
        "HOME": "/nonexistent",
        "PYTHONHASHSEED": "4711",
        "SMOKEGATE_MAX_CONNECTIONS": "16",
    },
}


@pytest.fixture(scope="module")
def faulty(lattice: LatticeProcess, certificates: Certificates) -> Iterator[FaultProxy]:
    """A Lattice that a few things are wrong with."""
    with LoopThread() as loop:
        proxy = FaultProxy(lattice.upstream, *FAULTS, tls=certificates.good().context())
        yield loop.keep(proxy)


def seen(commands: Commands, *arguments: str | Path) -> tuple[int, str, dict[str, str], list[str]]:
    """Exit code, rule, outcomes and deciding checks of a run."""
    done = commands.smokegate("run", *arguments)
    assert done.code in (0, 20), done.text
    verdict = commands.last_run.verdict
    return done.code, verdict.rule, commands.outcomes, sorted(verdict.deciding)


@pytest.fixture(scope="module")
def usual(
    tmp_path_factory: pytest.TempPathFactory, lattice: LatticeProcess, faulty: FaultProxy
) -> tuple[int, str, dict[str, str], list[str]]:
    """What is seen where nothing is special."""
    return seen(commands_at(tmp_path_factory.mktemp("usual"), lattice, faulty))


def commands_at(folder: Path, lattice: LatticeProcess, faulty: FaultProxy) -> Commands:
    settings = {"PRODUCTION_URL": faulty.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
    return Commands(folder, settings)


def test_the_faults_are_seen(usual: tuple[int, str, dict[str, str], list[str]]) -> None:
    code, rule, outcomes, deciding = usual
    assert (code, rule, deciding) == (20, "rollback-failed", ["health.test_metrics_endpoint"])
    assert {check for check, outcome in outcomes.items() if outcome == "failed"} == {
        "health.test_metrics_endpoint",
        "workflows.test_subscription_flow",
        "workflows.test_bulk_operations_flow",
    }


@pytest.mark.sampled(1)
@pytest.mark.parametrize("circumstance", CIRCUMSTANCES)
def test_circumstances_do_not_matter(
    circumstance: str,
    usual: tuple[int, str, dict[str, str], list[str]],
    tmp_path: Path,
    lattice: LatticeProcess,
    faulty: FaultProxy,
) -> None:
    commands = commands_at(tmp_path, lattice, faulty)
    commands.environment |= CIRCUMSTANCES[circumstance]
    assert seen(commands) == usual


@pytest.mark.long
def test_the_order_of_the_suites_does_not_matter(
    usual: tuple[int, str, dict[str, str], list[str]],
    tmp_path: Path,
    lattice: LatticeProcess,
    faulty: FaultProxy,
) -> None:
    assert seen(commands_at(tmp_path, lattice, faulty), WORKFLOWS, HEALTH) == usual


@pytest.mark.long
def test_alerts_that_cannot_be_sent_do_not_matter(
    usual: tuple[int, str, dict[str, str], list[str]],
    tmp_path: Path,
    lattice: LatticeProcess,
    faulty: FaultProxy,
    free_url: str,
) -> None:
    """One channel hangs, one fails, one answers to do harm, and one is not there."""
    commands = commands_at(tmp_path, lattice, faulty)
    with others() as told:
        told.hung = {HOOK}
        harm = (("Location", free_url), ("Retry-After", "9" * 5_000), ("X", "\x1b[31m" * 1_000))
        told.answers = {
            "/v2/enqueue": [Answer(500)] * 9,
            "/hook": [Answer(307, "::error::\x1b[2J\r\nsmokegate: PROCEED " * 1_000, harm)],
        }
        commands.environment |= {
            "SMOKEGATE_ALERT_SLACK": f"{told.url}{HOOK}",
            "SMOKEGATE_ALERT_PAGERDUTY": ROUTING_KEY,
            "SMOKEGATE_ALERT_PAGERDUTY_URL": told.url,
            "SMOKEGATE_ALERT_WEBHOOK": f"{told.url}/hook",
            "SMOKEGATE_ALERT_WEBHOOK_SECRET": SECRET,
            "SMOKEGATE_ALERT_SMTP": free_url.replace("http", "smtp"),
            "SMOKEGATE_ALERT_EMAIL": "on-call@example.com",
            "SMOKEGATE_ALERT_EMAIL_FROM": "gate@example.com",
        }
        assert seen(commands) == usual
        assert {*told.requests} == {HOOK, "/v2/enqueue", "/hook"}
    done = commands.smokegate("notify", "test")
    assert done.code == 1
    assert "\x1b" not in done.text
