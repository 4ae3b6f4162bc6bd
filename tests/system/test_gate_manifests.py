"""The manifests for rollout controllers are what the projects' schemas take, and no misspelling."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft7Validator

from smokegate import cli, targets
from tests.system.command import ROOT

SCHEMAS = Path(__file__).parent / "rollouts/schemas"
ARGO, FLAGGER = ROOT / "deploy/argo", ROOT / "deploy/flagger"
GATE = ROOT / "deploy/gate/gate.yaml"
KINDS = {"AnalysisTemplate": "analysis_template", "Rollout": "rollout", "Canary": "canary"}
MANIFESTS = sorted([*ARGO.glob("*.yaml"), *FLAGGER.glob("*.yaml")])
KUBERNETES = "1.33"


def strict(schema: Any) -> Any:
    """A schema that refuses what it does not know, where Kubernetes would silently drop it."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: strict(each) for key, each in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        told.setdefault("additionalProperties", not schema["properties"])
    return told


def flaws(manifest: dict[str, Any]) -> list[str]:
    schema = json.loads((SCHEMAS / f"{KINDS[manifest['kind']]}.json").read_text())
    return [each.message for each in Draft7Validator(strict(schema)).iter_errors(manifest)]


def text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text(file))
    return found


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda each: each.stem)
def test_a_manifest_is_what_its_project_takes(file: Path) -> None:
    assert not flaws(read(file))


def test_a_misspelling_would_be_noticed() -> None:
    template = read(ARGO / "analysis-web.yaml")
    template["spec"]["metrics"][0]["provider"]["web"]["timeoutSecs"] = 1
    assert flaws(template)
    canary = read(FLAGGER / "canary.yaml")
    canary["spec"]["analysis"]["webhooks"][0]["type"] = "confirm"
    assert flaws(canary)


def test_the_job_and_the_pods_are_what_kubernetes_takes() -> None:
    (metric,) = read(ARGO / "analysis-job.yaml")["spec"]["metrics"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "smokegate"}}
    kubernetes_validate.validate(
        {**job, "spec": metric["provider"]["job"]["spec"]}, KUBERNETES, strict=True
    )
    spec = {key: read(ARGO / "rollout.yaml")["spec"][key] for key in ("selector", "template")}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}}
    kubernetes_validate.validate({**deployment, "spec": spec}, KUBERNETES, strict=True)


def test_the_gate_is_what_kubernetes_takes_and_starts_as_it_says(tmp_path: Path) -> None:
    there = {each["kind"]: each for each in yaml.safe_load_all(GATE.read_text())}
    for each in there.values():
        kubernetes_validate.validate(each, KUBERNETES, strict=True)
    (container,) = there["Deployment"]["spec"]["template"]["spec"]["containers"]
    asked = cli.parser().parse_args(container["args"])
    file = tmp_path / Path(asked.targets).name
    file.write_text(there["ConfigMap"]["data"][file.name])
    named = set(targets.read(file, {}))
    (port,) = (each["port"] for each in there["Service"]["spec"]["ports"])
    for manifest in MANIFESTS:
        for host, at, query in re.findall(
            r"//(?:[^/\s]*@)?([\w.]+):(\d+)/gate/\S*?\?(\S+)", text(manifest)
        ):
            assert (host, int(at)) == ("smokegate.smokegate", port)
            target = parse_qs(query)["target"][0]
            assert target in named or target == "{{args.target}}"
    (value,) = re.findall(r"name: target\n\s+value: (\S+)", text(ARGO / "rollout.yaml"))
    assert value in named


@pytest.mark.parametrize("file", sorted(ARGO.glob("analysis-*.yaml")), ids=lambda each: each.stem)
def test_no_release_passes_that_nobody_has_judged(file: Path) -> None:
    """At `count` Argo takes a metric for successful, however many were inconclusive."""
    (metric,) = read(file)["spec"]["metrics"]
    assert metric.get("inconclusiveLimit", 0) < metric["count"]
    assert metric["failureLimit"] == 0
    assert ("successCondition" in metric) is ("failureCondition" in metric)


def test_the_rollout_gives_what_the_template_asks_for() -> None:
    (step,) = (
        each["analysis"]
        for each in read(ARGO / "rollout.yaml")["spec"]["strategy"]["canary"]["steps"]
        if "analysis" in each
    )
    template = read(ARGO / "analysis-web.yaml")
    assert step["templates"] == [{"templateName": template["metadata"]["name"]}]
    asked = {each["name"] for each in template["spec"]["args"] if set(each) == {"name"}}
    given = {each["name"] for each in step["args"]}
    assert asked <= given <= {each["name"] for each in template["spec"]["args"]}
