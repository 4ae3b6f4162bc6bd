"""The recipes of `deploy/rollback`, run as they are, with programs in between that only take notes.

No cluster and no cloud is asked: what is shown is which commands a recipe would run there, what it
does with their answers, and that it ends at the first that fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.system.command import ROOT

RECIPES = ROOT / "deploy/rollback"
PLACES = {
    "SMOKEGATE_ROLLBACK_TO": "1.4.1",
    "NAMESPACE": "shop",
    "DEPLOYMENT": "api",
    "ROLLOUT": "api",
    "CONTAINER": "web",
    "IMAGE": "registry.example.com/api",
    "RELEASE": "api",
    "APPLICATION": "Shop",
    "DEPLOYMENT_GROUP": "production",
    "SERVICE": "api",
}
PROGRAMS = ("kubectl", "helm", "aws", "docker", "sleep")
# What a program answers is in a file named after its first call, second call, ...
NOTE = """#!/bin/sh
name=$(basename "$0")
echo "$name $* ${IMAGE_TAG:+with $IMAGE_TAG}" >>"$NOTES"
answer=$ANSWERS/$name.$(grep -c "^$name " "$NOTES")
if [ -f "$answer" ]; then cat "$answer"; fi
! [ -f "$answer.fails" ]
"""
REVISIONS = """[
    {"revision": 3, "status": "superseded", "app_version": "v1.4.1"},
    {"revision": 4, "status": "failed", "app_version": "1.4.1"},
    {"revision": 5, "status": "superseded", "app_version": "1.4.0"},
    {"revision": 6, "status": "deployed", "app_version": "1.4.2"}
]"""


class Ran(NamedTuple):
    code: int
    calls: list[str]
    err: str


Recipe = Callable[..., Ran]


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Runs a recipe with answers by the name and the number of a call."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).write_text(NOTE)
        (programs / name).chmod(0o755)

    def run(name: str, answers: Mapping[str, str] | None = None, **places: str) -> Ran:
        for call, answer in (answers or {}).items():
            (tmp_path / call).write_text(answer)
        notes = tmp_path / "notes"
        done = subprocess.run(
            [RECIPES / f"{name}.sh"],
            env={
                "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                "NOTES": str(notes),
                "ANSWERS": str(tmp_path),
                **PLACES,
                **places,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        calls = notes.read_text().splitlines() if notes.exists() else []
        return Ran(done.returncode, [call.strip() for call in calls], done.stderr)

    return run


def test_kubectl(recipe: Recipe) -> None:
    assert recipe("kubectl") == Ran(
        0,
        [
            "kubectl --namespace shop set image deployment/api web=registry.example.com/api:1.4.1",
            "kubectl --namespace shop rollout status deployment/api --timeout=240s",
        ],
        "",
    )


@pytest.mark.skipif(not shutil.which("jq"), reason="no jq: make ci-tools")
def test_helm_finds_the_last_good_revision_of_the_version(recipe: Recipe) -> None:
    assert recipe("helm", {"helm.1": REVISIONS}) == Ran(
        0,
        [
            "helm history api --namespace shop --output json",
            "helm rollback api 3 --namespace shop --wait --timeout 240s",
        ],
        "",
    )


@pytest.mark.skipif(not shutil.which("jq"), reason="no jq: make ci-tools")
def test_helm_goes_nowhere_without_one(recipe: Recipe) -> None:
    done = recipe("helm", {"helm.1": REVISIONS}, SMOKEGATE_ROLLBACK_TO="1.3")
    assert (done.code, len(done.calls)) == (1, 1)
    assert done.err == "No revision of api was deployed well with version 1.3.\n"


def test_helm_takes_the_revision_that_was_noted(recipe: Recipe) -> None:
    done = recipe("helm", HELM_REVISION="7")
    assert done.calls == ["helm rollback api 7 --namespace shop --wait --timeout 240s"]


@pytest.mark.parametrize("phase", ["Progressing", "Paused", "Degraded", "Healthy"])
def test_argo_rollouts(phase: str, recipe: Recipe) -> None:
    done = recipe("argo-rollouts", {"kubectl.1": phase})
    abort = ["kubectl argo rollouts --namespace shop abort api"]
    assert done == Ran(
        0,
        [
            "kubectl --namespace shop get rollout/api --output jsonpath={.status.phase}",
            *(abort if phase in ("Progressing", "Paused") else []),
            "kubectl argo rollouts --namespace shop set image api "
            "web=registry.example.com/api:1.4.1",
            "kubectl argo rollouts --namespace shop status api --timeout 240s",
        ],
        "",
    )


def test_aws_codedeploy_waits_for_what_undoes_the_deployment(recipe: Recipe) -> None:
    done = recipe("aws-codedeploy", {"aws.1": "d-1", "aws.3": "None", "aws.4": "d-2"})
    asked = (
        "aws deploy get-deployment --deployment-id d-1 "
        "--query deploymentInfo.rollbackInfo.rollbackDeploymentId --output text"
    )
    assert done == Ran(
        0,
        [
            "aws deploy list-deployments --application-name Shop "
            "--deployment-group-name production --include-only-statuses InProgress Ready "
            "--query deployments[0] --output text",
            "aws deploy stop-deployment --deployment-id d-1 --auto-rollback-enabled",
            *("sleep 2", asked) * 2,
            "aws deploy wait deployment-successful --deployment-id d-2",
        ],
        "",
    )


def test_aws_codedeploy_stops_nothing_where_nothing_is_under_way(recipe: Recipe) -> None:
    done = recipe("aws-codedeploy", {"aws.1": "None"})
    assert (done.code, len(done.calls)) == (1, 1)
    assert done.err == "No deployment of Shop to production is under way.\n"


def test_docker_compose(recipe: Recipe) -> None:
    assert recipe("docker-compose").calls == [
        "docker compose up --detach --no-deps --wait --wait-timeout 240 api with 1.4.1"
    ]


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.sh")))
def test_a_recipe_ends_at_the_first_command_that_fails(name: str, recipe: Recipe) -> None:
    fails = dict.fromkeys((f"{program}.1.fails" for program in PROGRAMS), "")
    done = recipe(name, fails)
    assert (done.code != 0, len(done.calls)) == (True, 1)


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.sh")))
def test_a_recipe_does_nothing_without_its_places(name: str, recipe: Recipe) -> None:
    places = {"NAMESPACE": "", "SERVICE": "", "APPLICATION": ""}
    done = recipe(name, **places)
    assert (done.code != 0, done.calls) == (True, [])
