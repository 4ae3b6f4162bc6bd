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

import deploy.grafana.dashboard as grafana
from tests.gate.history.runs import failing
from tests.system.command import ROOT

PROMTOOL = shutil.which("promtool")
RULES = ROOT / "deploy/prometheus"
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
