"""The jobs for pipelines are what those systems read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from smokegate import __version__
from tests.gate.scaffold.drafting import Drafted
from tests.system.command import ROOT


@pytest.mark.parametrize(
    ("system", "file", "schema"),
    [
        ("github", ".github/workflows/verify.yml", "vendor.github-workflows"),
        ("gitlab", "smoke.gitlab-ci.yml", "vendor.gitlab-ci"),
    ],
)
def test_a_job_is_valid(project: Drafted, system: str, file: str, schema: str) -> None:
    project.init("--ci", system)
    check = ("-m", "check_jsonschema", "--builtin-schema", schema, str(project.folder / file))
    done = subprocess.run([sys.executable, *check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_job_for_github_is_the_documented_one(project: Drafted) -> None:
    project.init("--ci", "github")
    job = (project.folder / ".github/workflows/verify.yml").read_text()
    assert f"```yaml\n{job}```\n" in (ROOT / "docs/ci.md").read_text("utf-8")


@pytest.mark.parametrize("system", ["gitlab", "jenkins"])
def test_a_job_names_the_target_and_the_version(project: Drafted, system: str) -> None:
    told = project.init("--ci", system, "--url", "https://shop.example/it's\"a\\path")
    job = (project.folder / told[-1].split()[0]).read_text()
    assert "https://shop.example/it%27s%22a%5Cpath" in job
    assert f"v{__version__}" in job
    assert "OWNER is where" in told[-1]


@pytest.mark.parametrize("system", ["github", "gitlab", "jenkins"])
def test_a_job_that_is_there_stays(project: Drafted, system: str) -> None:
    told = project.init("--ci", system)
    (file,) = (
        project.folder / line.split()[0]
        for line in told
        if "tests/" not in line and "toml" not in line
    )
    assert "smokegate" in file.read_text()
    file.write_text("mine")
    project.init("--ci", system)
    assert file.read_text() == "mine"
