"""Writes the Grafana dashboard beside this file: `python deploy/grafana/dashboard.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("smokegate.json")
_WIDTH = 24  # columns of Grafana's grid
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_HERE = 'environment=~"$environment"'
_VERDICTS = ["proceed", "monitor", "inconclusive", "investigate", "rollback"]
_COLOURS = ["green", "yellow", "blue", "orange", "red"]


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana's JSON model (schema 39)."""
    panels = [
        _panel("Verdict", "state-timeline", 24, 5, _verdict(), **_verdict_options()),
        _panel("Since the gate was last opened", "stat", 6, 6, _age(), unit="s"),
        _panel("Pass rate", "timeseries", 9, 6, _pass_rate(), unit="percentunit", most=1),
        _panel("Failures in the window, by check", "bargauge", 9, 6, _failures(), unit="short"),
        _panel("Duration of checks, 95th percentile", "timeseries", 24, 8, _p95(), unit="s"),
    ]
    return {
        "title": "smokegate",
        "uid": "smokegate",
        "schemaVersion": 39,
        "tags": ["smokegate"],
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [_source_variable(), _environment_variable()]},
        "panels": _placed(panels),
    }


def _verdict() -> list[tuple[str, str]]:
    """The number of the verdict that stands, the mildest first."""
    numbered = " or ".join(
        f'{number} * (smoke_run_verdict{{verdict="{verdict}",{_HERE}}} == 1)'
        for number, verdict in enumerate(_VERDICTS, 1)
    )
    return [(f"max by (environment) ({numbered})", "{{environment}}")]


def _verdict_options() -> dict[str, Any]:
    names = zip(_VERDICTS, _COLOURS, strict=True)
    options = {
        str(number): {"text": verdict, "color": colour}
        for number, (verdict, colour) in enumerate(names, 1)
    }
    return {"mappings": [{"type": "value", "options": options}]}


def _age() -> list[tuple[str, str]]:
    return [(f"time() - smoke_run_last_success_timestamp_seconds{{{_HERE}}}", "{{environment}}")]


def _pass_rate() -> list[tuple[str, str]]:
    passed = f"sum by (environment) (rate(smoke_test_passed_total{{{_HERE}}}[$__rate_interval]))"
    total = f"sum by (environment) (rate(smoke_test_total{{{_HERE}}}[$__rate_interval]))"
    return [(f"{passed} / {total}", "{{environment}}")]


def _failures() -> list[tuple[str, str]]:
    increase = f"sum by (check) (increase(smoke_test_failed_total{{{_HERE}}}[$__range]))"
    return [(f"topk(10, {increase} > 0)", "{{check}}")]


def _p95() -> list[tuple[str, str]]:
    buckets = f"smoke_test_duration_seconds_bucket{{{_HERE}}}"
    by_check = f"sum by (check, le) (rate({buckets}[$__rate_interval]))"
    return [(f"histogram_quantile(0.95, {by_check})", "{{check}}")]


def _panel(
    title: str,
    kind: str,
    width: int,
    height: int,
    queries: list[tuple[str, str]],
    *,
    unit: str = "none",
    most: float | None = None,
    mappings: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    limits = {} if most is None else {"min": 0, "max": most}
    return {
        "title": title,
        "type": kind,
        "datasource": _SOURCE,
        "gridPos": {"w": width, "h": height},
        "fieldConfig": {
            "defaults": {"unit": unit, "mappings": mappings or [], **limits},
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + number), "expr": expression, "legendFormat": legend}
            for number, (expression, legend) in enumerate(queries)
        ],
    }


def _placed(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Number the panels, and put them into rows from left to right."""
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        place = panel["gridPos"]
        if x + place["w"] > _WIDTH:
            x, y, height = 0, y + height, 0
        panel["id"], place["x"], place["y"] = number, x, y
        x, height = x + place["w"], max(height, place["h"])
    return panels


def _source_variable() -> dict[str, Any]:
    return {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"}


def _environment_variable() -> dict[str, Any]:
    return {
        "name": "environment",
        "type": "query",
        "label": "Environment",
        "datasource": _SOURCE,
        "query": "label_values(smoke_run_verdict, environment)",
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "refresh": 2,
    }


def text() -> str:
    """The dashboard's file."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
