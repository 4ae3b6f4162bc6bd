"""The step for Jenkins: run as it is by Jenkins' version of Groovy, with every exit code.

What a pipeline has around it is acted out by `jenkins_pipeline.groovy`; no Jenkins is there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.system.command import ROOT
from tests.system.pipelines import CODES, JENKINS, StandIn, documented

GROOVY = shutil.which("groovy")
STEP = ROOT / "deploy/jenkins/vars/smokegate.groovy"
PIPELINE = Path(__file__).parent / "jenkins_pipeline.groovy"
# What Jenkins brings, as far as the step asks for it.
OF_JENKINS = {
    "hudson/model/Result.groovy": "package hudson.model\nenum Result { UNSTABLE }\n",
    "jenkins/model/CauseOfInterruption.groovy": "package jenkins.model\n"
    "class CauseOfInterruption {}\n",
    "org/jenkinsci/plugins/workflow/steps/FlowInterruptedException.groovy": """
package org.jenkinsci.plugins.workflow.steps
class FlowInterruptedException extends RuntimeException {
    FlowInterruptedException(hudson.model.Result result, Object[] causes) {
        super("${result}")
    }
}
""",
}
OPTIONS = {
    "url": "https://api.example.com/$(id)",
    "environment": "it's `two` words",
    "expectVersion": "auto",
    "baseline": "before.json",
    "saveBaseline": "after.json",
    "suites": "smoke",
    "act": True,
}


class Jenkins(NamedTuple):
    """What the step did, for each exit code, and for an option that there is not."""

    by_code: dict[int, dict[str, Any]]
    misspelt: dict[str, Any]


@pytest.fixture(scope="module")
def jenkins(tmp_path_factory: pytest.TempPathFactory) -> Jenkins:
    """The step, run in one process for everything that is asked of it."""
    if not GROOVY:
        pytest.skip("no groovy: make ci-tools")
    folder = tmp_path_factory.mktemp("jenkins")
    stand_in = StandIn(folder)
    for name, source in OF_JENKINS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source)
    options = {**OPTIONS, "program": str(stand_in.program)}
    asked: list[dict[str, Any]] = [{"code": code, "options": options} for code in CODES]
    asked[1]["options"] = {"url": None, "expectVersion": None, "program": options["program"]}
    asked.append({"code": 0, "options": {"url": "https://a.example.com", "expectversion": "1"}})
    (folder / "asked.json").write_text(json.dumps(asked))
    quick = {"JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}  # it ends soon
    java = Path(shutil.which("java") or "").resolve()
    done = subprocess.run(
        [
            *(GROOVY, "-cp", folder, PIPELINE, STEP),
            *(folder / "asked.json", stand_in.notes),
        ],
        env={
            **os.environ,
            **stand_in.environment(0),
            **quick,
            "JAVA_HOME": str(java.parent.parent),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *ends, misspelt = json.loads(done.stdout)
    return Jenkins(dict(zip(CODES, ends, strict=True)), misspelt)


@pytest.mark.parametrize("code", CODES)
def test_a_build_of_jenkins_ends_as_the_table_says(code: int, jenkins: Jenkins) -> None:
    end = jenkins.by_code[code]
    is_unstable = "unstable" in end["steps"]
    if "returned" in end:
        words = "goes on" + (", UNSTABLE" if is_unstable else "")
    elif "interrupted" in end:
        words = f"ends, {end['interrupted']}"
    else:
        words = "ends, FAILURE"
    assert words == documented(JENKINS)[code]
    assert end.get("returned") == {0: "proceed", 5: "monitor"}.get(code)
    assert is_unstable is ("UNSTABLE" in words)


def test_jenkins_keeps_what_smokegate_writes_and_clears_up(jenkins: Jenkins) -> None:
    end = jenkins.by_code[20]
    folder = end["arguments"].splitlines()[-3]
    assert end["steps"] == [f"junit {folder}/*.xml true", f"archive {folder}/*", "deleteDir"]


def test_every_option_of_the_step_arrives_as_it_was_written(jenkins: Jenkins) -> None:
    run, suites, *options, flag, _, strict, act = jenkins.by_code[0]["arguments"].splitlines()
    assert (run, suites) == ("run", "smoke")
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        "--url": "https://api.example.com/$(id)",
        "--environment": "it's `two` words",
        "--expect-version": "auto",
        "--baseline": "before.json",
        "--save-baseline": "after.json",
    }
    assert (flag, strict, act) == ("--results", "--strict", "--act")
    without = jenkins.by_code[5]["arguments"].splitlines()
    assert without[:4] == ["run", "tests/smoke", "--url", "null"]  # which is no URL
    assert "--expect-version" not in without
    assert jenkins.misspelt["error"] == "smokegate: there is no option 'expectversion'"
