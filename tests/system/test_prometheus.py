"""A real Prometheus scrapes the history while runs come in, through a restart of `serve`."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from smokegate.results import Outcome

from tests.gate.history.runs import run, stamp
from tests.gate.samples import healthy, result
from tests.system.command import BIN, ENDED_WITHIN_S, Commands
from tests.system.ports import free_port

PROMETHEUS = shutil.which("prometheus")
PASS_RATE = "sum(rate(smoke_test_passed_total[5m])) / sum(rate(smoke_test_total[5m]))"
P95 = "histogram_quantile(0.95, sum by (le) (rate(smoke_test_duration_seconds_bucket[5m])))"
FAILED = "sum(increase(smoke_test_failed_total[1h]))"
ALL = "sum(increase(smoke_test_total[1h]))"
CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: smokegate
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@contextmanager
def serving(commands: Commands, port: int) -> Iterator[None]:
    with commands.start(BIN / "smokegate", "serve", "--port", str(port)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Serving "), line
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(ENDED_WITHIN_S) == 0


@contextmanager
def prometheus(folder: Path, scraped: int) -> Iterator[str]:
    port, config = free_port(), folder / "prometheus.yml"
    config.write_text(CONFIG.format(port=scraped))
    command = [
        str(PROMETHEUS),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def asked(url: str, expression: str) -> list[Any]:
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{url}/api/v1/query?{query}") as reply:
        found: list[Any] = json.load(reply)["data"]["result"]
        return found


def value(url: str, expression: str) -> float:
    (only,) = asked(url, expression)
    return float(only["value"][1])


def _is(url: str, expression: str, wanted: float) -> bool:
    return value(url, expression) == wanted


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process does; nothing is judged by how long it takes."""
    ends = time.monotonic() + ENDED_WITHIN_S
    while True:
        try:
            if holds():
                return
        except (OSError, ValueError):
            pass
        assert time.monotonic() < ends
        time.sleep(0.1)


def remember(store: Store, number: int) -> None:
    """Every fourth flow fails; one in ten takes long."""
    outcome = Outcome.FAILED if number % 4 == 0 else Outcome.PASSED
    flow = result("flow", outcome, duration_s=4.0 if number % 10 == 0 else 0.2)
    now = datetime.now(UTC)
    store.remember(run(number, healthy(), flow, started_at=stamp(now), finished_at=stamp(now)))


@pytest.mark.skipif(not PROMETHEUS, reason="no prometheus: make ci-tools")
def test_the_queries_of_the_documentation_are_right_in_a_real_prometheus(tmp_path: Path) -> None:
    history = f"sqlite:///{tmp_path / 'history.db'}"
    commands, port = Commands(tmp_path, {"SMOKEGATE_HISTORY": history}), free_port()
    store = opened(history)
    for number in range(1, 5):
        remember(store, number)  # what was before the first scrape counts in no rate
    with prometheus(tmp_path, port) as url:
        for numbers in range(5, 25), range(25, 45):
            with serving(commands, port):
                until(lambda: value(url, "sum(smoke_test_total)") > 0)
                for number in numbers:
                    remember(store, number)
                total = 2 * numbers[-1]
                until(partial(_is, url, "sum(smoke_test_total)", total))
                until(lambda: value(url, "count_over_time(up[10s])") > 2)
        found = {each: value(url, each) for each in (PASS_RATE, P95, FAILED, ALL)}
    store.close()
    # Prometheus extrapolates each series by itself, to the edges of the window but never below 0.
    assert found[PASS_RATE] == pytest.approx(1 - 10 / 80, rel=0.02)
    # 4 of 80 took 4 s: 95% lies at the end of the bucket up to 0.25 s.
    assert found[P95] == pytest.approx(0.25, rel=0.02)
    # By how much depends on when it scraped, which is the same for both.
    assert found[FAILED] / found[ALL] == pytest.approx(10 / 80, rel=0.1)
    assert found[FAILED] >= 10
