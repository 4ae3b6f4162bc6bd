"""What `deploy/` holds fits what is served."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from smokegate.history.remembering import opened
from smokegate.service.metrics import exposition
from smokegate.telemetry import gauges

import deploy.grafana.dashboard as grafana
from tests.gate.history.runs import failing, run
from tests.system.command import ROOT

PROMTOOL = shutil.which("promtool")
RULES = ROOT / "deploy/prometheus"
METRICS = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
NAME = re.compile(r"\bsmoke_\w+")


@pytest.mark.skipif(not PROMTOOL, reason="no promtool: make ci-tools")
@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "smokegate.rules.yml"), ("test", "rules", "smokegate.tests.yml")],
)
def test_the_rules_do_what_their_tests_say(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [str(PROMTOOL), *arguments], cwd=RULES, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_dashboard_name_only_what_is_served(tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path / 'history.db'}")
    store.remember(failing())
    served = set(NAME.findall(exposition(store).decode()))
    store.close()
    rules = (RULES / "smokegate.rules.yml").read_text()
    recorded = set(re.findall(r"record: \w+:(smoke_\w+):", rules))
    assert set(NAME.findall(rules)) - recorded <= served
    assert set(NAME.findall(grafana.text())) <= served


def test_every_metric_is_documented_where_it_is_to_be_found(tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path / 'history.db'}")
    store.remember(run())
    ways = exposition(store), gauges.exposition(gauges.gauges(run()))
    store.close()
    rows = re.findall(r"^\| `(smoke_\w+)` \| (\w*) ?\| (\w*) ?\|", METRICS, re.MULTILINE)
    for column, text in enumerate(ways, 1):
        types = re.findall(r"^# TYPE (smoke_\w+) (\w+)", text.decode(), re.MULTILINE)
        assert {(row[0], row[column]) for row in rows if row[column]} == set(types)


@pytest.mark.skipif(not PROMTOOL, reason="no promtool: make ci-tools")
def test_the_documented_configurations_are_some(tmp_path: Path) -> None:
    found = re.findall(r"```yaml\n(.*?)```", METRICS, re.DOTALL)
    assert len(found) == 2
    for config in found:
        (tmp_path / "prometheus.yml").write_text(config)
        command = [str(PROMTOOL), "check", "config", str(tmp_path / "prometheus.yml")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_the_one_that_its_code_writes() -> None:
    assert grafana.FILE.read_text("utf-8") == grafana.text()


def test_the_panels_of_the_dashboard_lie_side_by_side() -> None:
    panels = json.loads(grafana.text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells
