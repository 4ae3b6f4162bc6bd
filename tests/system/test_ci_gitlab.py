"""The job for GitLab: its script is run as it is, with every exit code."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.system.command import BIN, ROOT, Commands
from tests.system.pipelines import CODES, GITLAB, GUIDE, StandIn, documented
from tests.system.test_tutorial import code_blocks


@pytest.fixture
def stand_in(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


def gitlab_job() -> dict[str, Any]:
    text = (ROOT / "deploy/gitlab/smokegate.gitlab-ci.yml").read_text()
    job: dict[str, Any] = yaml.safe_load(text)[".smokegate"]
    return job


@pytest.mark.parametrize("code", CODES)
def test_a_job_of_gitlab_ends_as_the_table_says(code: int, stand_in: StandIn) -> None:
    job = gitlab_job()
    environment = {**stand_in.environment(code), **job["variables"]}
    environment |= {"CI_ENVIRONMENT_URL": "https://api.example.com", "SMOKE_OPTIONS": "--wait 60"}
    (line,) = job["script"]
    done = subprocess.run(["sh", "-e", "-c", line], env=environment, check=False)
    assert done.returncode == code
    assert stand_in.arguments == [
        *("run", "tests/smoke", "--wait", "60", "--url", "https://api.example.com"),
        *("--environment", "production"),
    ]
    allowed = code in job["allow_failure"]["exit_codes"]
    words = "passes, with a warning" if allowed else "fails" if code else "passes"
    assert words == documented(GITLAB)[code]


def test_gitlab_keeps_what_smokegate_writes() -> None:
    job = gitlab_job()
    folder = job["variables"]["SMOKEGATE_RESULTS"]
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["paths"] == [f"{folder}/"]
    assert job["artifacts"]["reports"]["junit"] == f"{folder}/*.xml"


def test_the_pipeline_of_the_guide_is_sound(tmp_path: Path) -> None:
    (pipeline,) = (each for each in code_blocks(GUIDE, "yaml") if "include:" in each)
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(pipeline)
    check = Commands(tmp_path)
    held = check(BIN / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", file)
    assert held.code == 0, held.text
    jobs, job = yaml.safe_load(pipeline), gitlab_job()
    used = {name for each in ("control-run", "verify") for name in jobs[each]["variables"]}
    assert used <= {*job["variables"], "PRODUCTION_URL", "SMOKEGATE_EXPECT_VERSION"}
    kept = job["artifacts"]["paths"][0].replace("$CI_JOB_NAME_SLUG", "control-run")
    saved = jobs["control-run"]["variables"]["SMOKE_OPTIONS"].split()[1]
    assert saved.startswith(kept)
    assert jobs["verify"]["variables"]["SMOKE_OPTIONS"] == f"--baseline {saved}"
