"""What runs export: to a real Pushgateway, to a real node_exporter, and by OTLP."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from smokegate.fault_proxy import Fault, SetStatus
from smokegate.fault_proxy.loop_thread import LoopThread
from smokegate.telemetry.gauges import BEGAN, SUCCEEDED

from tests.gate.telemetry.receiver import receiver
from tests.gate.telemetry.test_gauges import Sample, read
from tests.gate.telemetry.test_otlp import attributes_of, root_of, spans_in
from tests.system.command import UNSAMPLED, Commands, Done
from tests.system.conftest import OpenProxy
from tests.system.ports import free_port
from tests.system.test_history import SUITE
from tests.system.test_prometheus import until

PUSHGATEWAY = shutil.which("prometheus-pushgateway") or shutil.which("pushgateway")
NODE_EXPORTER = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
PROMTOOL = shutil.which("promtool")


@contextmanager
def running(*command: str) -> Iterator[str]:
    """Start a server on a free port and give its URL once it answers."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    with subprocess.Popen(
        [*command, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL
    ) as process:
        try:
            until(lambda: bool(shown(url)))
            yield url
        finally:
            process.terminate()


def shown(url: str) -> bytes:
    """Everything that Prometheus would scrape there."""
    with urllib.request.urlopen(f"{url}/metrics") as reply:
        content: bytes = reply.read()
        return content


def ours(url: str) -> dict[Sample, float]:
    """What is ours of it, as promtool approves of it."""
    lines = [line for line in shown(url).splitlines() if b"smoke_run_" in line]
    text = b"".join(line + b"\n" for line in lines)
    if PROMTOOL:
        done = subprocess.run(
            [PROMTOOL, "check", "metrics"], input=text, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
    return read(text)


def value(found: dict[Sample, float], name: str, **labels: str) -> float:
    """The only sample of a name that has these labels."""
    wanted = set(labels.items())
    (only,) = (each for (there, given), each in found.items() if there == name and wanted <= given)
    return only


@pytest.fixture
def target(tmp_path: Path, open_proxy: OpenProxy, loop_thread: LoopThread) -> Target:
    suites = tmp_path / "suites"
    suites.mkdir()
    (suites / "test_tiny.py").write_text(SUITE)
    proxy = open_proxy()
    quick = {"SMOKEGATE_WAIT_S": "0", **UNSAMPLED}
    there = {"PRODUCTION_URL": proxy.url, "SMOKEGATE_HEALTH_PATH": "/json"}
    commands = Commands(tmp_path, {**there, **quick, "SMOKEGATE_ENVIRONMENT": "eu/west"})

    def run(*, healthy: bool) -> Done:
        faults = [] if healthy else [Fault(SetStatus(500), path="^/json$")]
        loop_thread.run(proxy.act_out(*faults))
        return commands.smokegate("run", suites)

    return Target(commands, run)


class Target(NamedTuple):
    """Commands, and what runs them against a target that is well or not."""

    commands: Commands
    run: Callable[..., Done]

    def shows_its_runs_at(self, url: str) -> None:
        """A good run and a bad one are shown there as they should."""
        good = self.run(healthy=True)
        assert (good.code, good.err) == (0, "")
        found = ours(url)
        assert value(found, "smoke_run_verdict", verdict="proceed") == 1
        succeeded = value(found, SUCCEEDED)
        bad = self.run(healthy=False)
        assert (bad.code, bad.err) == (20, "")
        found = ours(url)
        assert value(found, "smoke_run_verdict", verdict="proceed") == 0
        assert value(found, "smoke_run_verdict", verdict="rollback") == 1
        assert value(found, SUCCEEDED) == succeeded, "that one stays"
        assert value(found, BEGAN) >= succeeded
        failed = {"suite": "health", "outcome": "failed"}
        assert value(found, "smoke_run_checks", **failed) == 1
        assert {dict(labels)["environment"] for _, labels in found} == {"eu/west"}


@pytest.mark.skipif(not PUSHGATEWAY, reason="no Pushgateway: make ci-tools")
def test_a_pushgateway_shows_the_last_run_and_the_last_success(target: Target) -> None:
    with running(str(PUSHGATEWAY)) as url:
        target.commands.environment["SMOKEGATE_METRICS_PUSH"] = url
        target.shows_its_runs_at(url)
        everything = shown(url)
        assert everything.count(b"\npush_time_seconds{") == 1, "there is one group"
        assert b'instance="",job="smokegate"' in everything


@pytest.mark.skipif(not NODE_EXPORTER, reason="no node_exporter: make ci-tools")
def test_a_node_exporter_shows_the_last_run_and_the_last_success(
    target: Target, tmp_path: Path
) -> None:
    folder = tmp_path / "textfiles"
    folder.mkdir()
    only = ("--collector.disable-defaults", "--collector.textfile")
    with running(str(NODE_EXPORTER), *only, f"--collector.textfile.directory={folder}") as url:
        target.commands.environment["SMOKEGATE_METRICS_FOLDER"] = str(folder)
        target.shows_its_runs_at(url)
        assert b"node_textfile_scrape_error 0\n" in shown(url)


@pytest.mark.long
def test_a_run_behind_pytest_is_told_of_too(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "textfiles"
    folder.mkdir()
    target.commands.environment["SMOKEGATE_METRICS_FOLDER"] = str(folder)
    done = target.commands.pytest(tmp_path / "suites")
    assert (done.code, len(list(folder.iterdir()))) == (0, 1), done.text
    broken = "from smokegate.telemetry import exporting\nexporting.export = lambda *_: 1 / 0\n"
    (tmp_path / "suites" / "conftest.py").write_text(broken)
    done = target.commands.pytest(tmp_path / "suites")
    assert done.code == 0, done.text
    assert "PROCEED: " in done.out
    assert "smokegate: a bug where others are told of the run" in done.out
    assert "ZeroDivisionError" in done.out


def test_a_run_is_a_trace_without_its_secrets(commands: Commands) -> None:
    """A run that logs in: its password and its tokens are nowhere in what is sent."""
    commands.environment |= {"TEST_PASSWORD": "hunter22!Aa1"}
    with receiver() as collector:
        commands.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
        done = commands.smokegate("run", "-k", "login")
        assert done.code == 0, done.text
        spans = spans_in(collector)
        sent = b"".join(each.body for each in collector.received)
    root = root_of(spans)
    run = commands.last_run
    lasted_ns = root.end_time_unix_nano - root.start_time_unix_nano
    assert lasted_ns >= round(run.duration_s * 1e9)
    requests = [each for attempt in run.attempts for each in attempt.exchanges]
    told = [attributes_of(each) for each in spans]
    assert sorted(each["url.full"] for each in told if "url.full" in each) == sorted(
        each.url for each in requests
    )
    assert any(each.name == "workflows.test_user_login_flow" for each in spans)
    for secret in b"hunter22", b"Bearer", b"eyJ":
        assert secret not in sent


@pytest.mark.long
def test_a_verdict_stands_wherever_its_metrics_do_not_arrive(target: Target, free_url: str) -> None:
    secret = free_url.replace("://", "://user:hunter22@")
    target.commands.environment |= {
        "SMOKEGATE_METRICS_PUSH": secret,
        "SMOKEGATE_METRICS_FOLDER": str(target.commands.folder / "nowhere"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": secret,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
    }
    for healthy, code in (True, 0), (False, 20):
        done = target.run(healthy=healthy)
        assert done.code == code, done.text
        written, pushed, *exported = done.err.splitlines()
        assert written.startswith("smokegate: metrics were not written to ")
        assert pushed == f"smokegate: metrics were not pushed to {free_url}: connection refused"
        assert exported == [
            "smokegate: the trace was not exported by OTLP: Connection refused",
            "smokegate: metrics were not exported by OTLP: Connection refused",
        ]
        assert "hunter22" not in done.text
    results = [each.read_text() for each in target.commands.results.iterdir()]
    assert not any("hunter22" in each for each in results)
