"""Argo Rollouts as its source has it, as far as an analysis of one metric goes.

Followed: analysis/analysis.go at c9dd7ea, metricproviders/webmetric/webmetric.go at 7d969ef,
utils/evaluate, and job.go of argoproj/argo-rollouts. Time passes at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import yaml

SUCCESSFUL, FAILED, INCONCLUSIVE, ERROR = "Successful", "Failed", "Inconclusive", "Error"
# What becomes of a rollout after an analysis step.
ROLLOUT = {SUCCESSFUL: "promoted", FAILED: "aborted", ERROR: "aborted", INCONCLUSIVE: "paused"}
_ERROR_LIMIT = 4
_MOST_MEASUREMENTS = 1_000


def metric_of(template: Path, args: Mapping[str, str]) -> dict[str, Any]:
    """The metric of an AnalysisTemplate, its arguments filled in; all of them must be there."""
    spec = yaml.safe_load(template.read_text())["spec"]
    defaults = {each["name"]: each["value"] for each in spec["args"] if "value" in each}
    given = {**defaults, **args}
    assert set(given) == {each["name"] for each in spec["args"]}
    (metric,) = spec["metrics"]
    filled = re.sub(r"\{\{\s*args\.(\w+)\s*\}\}", lambda found: given[found[1]], json.dumps(metric))
    found: dict[str, Any] = json.loads(filled)
    return found


@dataclass
class AnalysisRun:
    """An AnalysisRun: measures until its metric is complete; `status` is its phase then."""

    metric: dict[str, Any]
    measure: Callable[[dict[str, Any]], tuple[str, str]]
    values: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys((SUCCESSFUL, FAILED, INCONCLUSIVE, ERROR), 0)
    )
    errors_in_a_row: int = 0

    def status(self) -> str:
        """Reconcile until the run has completed."""
        for _ in range(_MOST_MEASUREMENTS):
            phase, value = self.measure(self.metric)
            self.values.append(value)
            self.counts[phase] += 1
            self.errors_in_a_row = self.errors_in_a_row + 1 if phase == ERROR else 0
            status = self._assessed()
            if status:
                return status
        raise AssertionError("it never completes")

    def _assessed(self) -> str:
        """`assessMetricStatus`: the limits first, then the count, which takes all for good."""
        limits = (
            (FAILED, self.metric.get("failureLimit", 0)),
            (INCONCLUSIVE, self.metric.get("inconclusiveLimit", 0)),
        )
        status = ""
        for phase, limit in limits:
            if self.counts[phase] > limit:
                status = phase
        if self.errors_in_a_row > self.metric.get("consecutiveErrorLimit", _ERROR_LIMIT):
            status = ERROR
        measured = sum(self.counts.values()) - self.counts[ERROR]
        count = self.metric.get("count", None if "interval" in self.metric else 1)
        if not status and count is not None and measured >= count:
            return SUCCESSFUL
        return status


def web(client: httpx2.Client) -> Callable[[dict[str, Any]], tuple[str, str]]:
    """The web provider; the host of the URL is where the client asks."""

    def measure(metric: dict[str, Any]) -> tuple[str, str]:
        there = metric["provider"]["web"]
        headers = {each["key"]: each["value"] for each in there.get("headers", [])}
        path = re.sub(r"^https?://[^/]+", "", there["url"])
        try:
            reply = client.request(
                there.get("method", "GET"),
                path,
                headers=headers,
                timeout=there.get("timeoutSeconds", 10),
            )
        except httpx2.HTTPError as error:
            return ERROR, type(error).__name__
        if reply.status_code // 100 != 2:
            return ERROR, f"received non 2xx response code: {reply.status_code}"
        try:
            data = reply.json()
        except ValueError:
            return SUCCESSFUL, reply.text  # "non JSON body return as string"
        name = re.fullmatch(r"\{\$\.(\w+)\}", there["jsonPath"])
        assert name
        if name[1] not in data:
            return ERROR, "could not find JSONPath in body"
        return _evaluated(metric, data[name[1]]), data[name[1]]

    return measure


def job(run: Callable[[list[str]], int]) -> Callable[[dict[str, Any]], tuple[str, str]]:
    """The job provider: a job that completes is successful, one that fails is failed."""

    def measure(metric: dict[str, Any]) -> tuple[str, str]:
        spec = metric["provider"]["job"]["spec"]
        (container,) = spec["template"]["spec"]["containers"]
        for _ in range(spec.get("backoffLimit", 6) + 1):
            code = run([*container["command"], *container["args"]])
            if code == 0:
                return SUCCESSFUL, "complete"
        return FAILED, f"exit code {code}"

    return measure


def _evaluated(metric: dict[str, Any], result: object) -> str:
    """`EvaluateResult`: the failure first; where both are given and neither holds, inconclusive."""
    success, failure = metric.get("successCondition"), metric.get("failureCondition")
    if not (success or failure):
        return SUCCESSFUL
    if failure and _holds(failure, result):
        return FAILED
    if success and _holds(success, result):
        return SUCCESSFUL
    if success and failure:
        return INCONCLUSIVE
    return FAILED if success else SUCCESSFUL


def _holds(condition: str, result: object) -> bool:
    # The conditions here read the same in Argo's expressions and in Python's.
    return bool(eval(condition, {"__builtins__": {}}, {"result": result}))
