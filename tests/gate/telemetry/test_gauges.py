"""A run as gauges."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from smokegate.results import Action, Outcome
from smokegate.telemetry.gauges import HELP, exposition, gauges

from tests.gate.history.runs import failing, run
from tests.gate.samples import healthy, result

PROMTOOL = shutil.which("promtool")
Sample = tuple[str, frozenset[tuple[str, str]]]


def read(text: bytes) -> dict[Sample, float]:
    """Every sample by its name and labels; raises `ValueError` for what Prometheus cannot read."""
    families = list(text_string_to_metric_families(text.decode()))
    assert {each.type for each in families} <= {"gauge"}
    assert all(each.documentation == HELP[each.name] for each in families)
    samples = [sample for each in families for sample in each.samples]
    found = {(each.name, frozenset(each.labels.items())): each.value for each in samples}
    assert len(found) == len(samples)
    return found


def of(found: dict[Sample, float], name: str, **labels: str) -> float:
    return found[name, frozenset({"environment": "production", **labels}.items())]


def test_a_run_says_its_verdict_its_times_and_its_checks() -> None:
    flows = result("a", Outcome.FAILED), result("b", Outcome.UNKNOWN), result("c")
    found = read(exposition(gauges(run(1, healthy(), *flows, minutes=1))))
    verdict = {each: of(found, "smoke_run_verdict", verdict=each.value) for each in Action}
    assert verdict == {each: float(each is Action.INVESTIGATE) for each in Action}
    assert of(found, "smoke_run_last_timestamp_seconds") == 1_767_225_660
    assert of(found, "smoke_run_duration_seconds") == 2.0
    for suite, outcome, number in (
        ("health", "passed", 1),
        ("health", "failed", 0),
        ("workflows", "failed", 1),
        ("workflows", "unknown", 1),
        ("workflows", "passed", 1),
        ("workflows", "skipped", 0),
    ):
        assert of(found, "smoke_run_checks", suite=suite, outcome=outcome) == number


def test_only_a_run_that_opened_the_gate_says_when_one_did() -> None:
    name = "smoke_run_last_success_timestamp_seconds"
    assert of(read(exposition(gauges(run()))), name) == 1_767_225_602
    assert name not in {name for name, _ in read(exposition(gauges(failing())))}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_stays_within_its_quotes(environment: str) -> None:
    found = read(exposition(gauges(run(1, environment=environment))))
    assert {dict(labels)["environment"] for _, labels in found} == {environment}


@pytest.mark.skipif(not PROMTOOL, reason="no promtool: make ci-tools")
def test_promtool_finds_nothing_to_say() -> None:
    done = subprocess.run(
        [str(PROMTOOL), "check", "metrics"],
        input=exposition(gauges(run())),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
