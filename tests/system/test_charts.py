"""The Helm charts, linted and rendered by Helm itself, without a cluster."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import helm_python as helm
import kubernetes_validate
import pytest
import yaml
from smokegate.settings import KEYS

from smokegate import cli
from tests.system.command import ROOT
from tests.system.test_tutorial import code_blocks

CHARTS = {name: ROOT / f"deploy/{name}/chart" for name in ("lattice", "smokegate")}
GUIDE = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
KUBERNETES = "1.33"
LEAST = {"target": "https://api.example.com"}
MOST = {
    **LEAST,
    "schedule": "*/15 * * * *",
    "secretName": "smokegate",
    "configMapName": "smokegate",
    "serve": {"enabled": True, "allowedHosts": ["gate.example.com"]},
    "afterUpgrade": {"expectVersion": "1.4.2", "waitSeconds": 90},
}
NOTHING = {**LEAST, "afterUpgrade": {"enabled": False}}
WARNING = 2

Object = dict[str, Any]


def rendered(chart: Path, values: Object, release: str = "shop") -> dict[str, Object]:
    """What Helm would send to a cluster, by kind and name."""
    with helm.Chart.load(chart) as loaded:
        files = loaded.render(values, name=release)
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    objects = [each for text in texts for each in yaml.safe_load_all(text) if each]
    return {f"{each['kind']} {each['metadata']['name']}": each for each in objects}


def pods(objects: dict[str, Object]) -> list[Object]:
    """The specification of every pod that objects make."""
    specs = []
    for each in objects.values():
        spec = each["spec"]
        if each["kind"] == "Pod":
            specs.append(spec)
        spec = spec.get("jobTemplate", each)["spec"]
        if "template" in spec:
            specs.append(spec["template"]["spec"])
    return specs


@pytest.mark.parametrize(
    ("chart", "values"),
    [("lattice", {}), ("smokegate", LEAST), ("smokegate", MOST), ("smokegate", NOTHING)],
)
def test_a_chart_is_sound(chart: str, values: Object) -> None:
    report = helm.lint(CHARTS[chart], values, strict=True, kube_version=f"v{KUBERNETES}.0")
    assert [each for each in report["messages"] if each["severity"] >= WARNING] == []
    for each in rendered(CHARTS[chart], values).values():
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_only_what_was_asked_for_is_made() -> None:
    chart = CHARTS["smokegate"]
    test = "Pod shop-smokegate-test"
    hook = "Job shop-smokegate-after-upgrade"
    assert rendered(chart, NOTHING).keys() == {test}
    assert rendered(chart, LEAST).keys() == {test, hook}
    assert rendered(chart, MOST).keys() == {
        *(test, hook, "CronJob shop-smokegate"),
        *("Deployment shop-smokegate", "Service shop-smokegate"),
    }


def test_hooks_are_what_helm_takes_for_such() -> None:
    objects = rendered(CHARTS["smokegate"], MOST)
    hooks = {
        name: each["metadata"]["annotations"]["helm.sh/hook"]
        for name, each in objects.items()
        if "annotations" in each["metadata"]
    }
    assert hooks == {
        "Pod shop-smokegate-test": "test",
        "Job shop-smokegate-after-upgrade": "post-install,post-upgrade",
    }
    assert objects["Job shop-smokegate-after-upgrade"]["spec"]["backoffLimit"] == 0


@pytest.mark.parametrize("values", [LEAST, MOST])
def test_pods_may_do_next_to_nothing(values: Object) -> None:
    for pod in pods(rendered(CHARTS["smokegate"], values)):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        (container,) = pod["containers"]
        confined = container["securityContext"]
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]


def test_pods_are_told_what_smokegate_understands() -> None:
    seen = []
    for pod in pods(rendered(CHARTS["smokegate"], MOST)):
        (container,) = pod["containers"]
        cli.parser().parse_args(container["args"])
        seen.append(container["args"])
        for variable in container["env"]:
            name = variable["name"].removeprefix("SMOKEGATE_").lower()
            assert name in {*KEYS, "production_url"}
            assert ("value" in variable) is (name in ("production_url", "environment"))
    assert ["run", "/suites", "--wait", "90", "--expect-version", "1.4.2"] in seen
    assert len(seen) == 4


def test_it_can_be_a_part_of_another_chart(tmp_path: Path) -> None:
    """Whose upgrades it then verifies; a release's name may have 53 characters."""
    with helm.Chart.create("parent", tmp_path) as parent:
        assert parent.name == "parent"
    shutil.copytree(CHARTS["smokegate"], tmp_path / "parent/charts/smokegate")
    release = "a" * 53
    objects = rendered(tmp_path / "parent", {"smokegate": MOST}, release)
    ours = [each for each in objects.values() if "smokegate" in each["metadata"]["name"]]
    assert len(ours) == 5
    for each in ours:
        longest = 52 if each["kind"] == "CronJob" else 63
        assert len(each["metadata"]["name"]) <= longest


def test_the_values_of_the_guide_are_some() -> None:
    _, part, own = (yaml.safe_load(text) for text in code_blocks(GUIDE, "yaml"))
    for values in part["smokegate"], own:
        assert rendered(CHARTS["smokegate"], values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "target"),
        ({"target": "api.example.com"}, "target"),
        ({**LEAST, "image": "smokegate"}, "image"),
        ({**LEAST, "targett": "x"}, "targett"),
        ({**LEAST, "serve": {"enabled": True}}, "serve.enabled needs secretName"),
    ],
)
def test_values_that_cannot_work_are_refused(values: Object, words: str) -> None:
    with pytest.raises(helm.HelmError, match=words):
        rendered(CHARTS["smokegate"], values)
