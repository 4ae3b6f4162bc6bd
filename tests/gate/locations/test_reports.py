"""A run from several locations reads like any other, and says what was seen from where."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from smokegate.control_run import earlier
from smokegate.reports.github import step_summary
from smokegate.reports.junit import junit
from smokegate.reports.page import page
from smokegate.reports.summary import summary
from smokegate.reports.terminal import Terminal
from smokegate.results import JudgedRun, Outcome, from_json, to_json
from smokegate.seal import sealed
from smokegate.settings import Settings

from smokegate import explain
from tests.gate.locations.places import NOT_TAKEN, merged_run
from tests.gate.samples import healthy, result, run_of

FAILED = result("up", Outcome.FAILED, suite="health")
FAST = result("fast", samples={"t": [0.1, 0.2]})


def seen_from_eu_alone() -> JudgedRun:
    return sealed(merged_run([FAILED], [healthy()], None), "")


def shown_on_a_terminal(run: JudgedRun) -> str:
    stream = io.StringIO()
    Terminal(stream, color=False).finish(run)
    return stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [summary, page, step_summary, shown_on_a_terminal],
    ids=["summary", "page", "step summary", "terminal"],
)
def test_each_location_is_there_with_what_it_came_to(text: object) -> None:
    assert callable(text)
    shown = text(seen_from_eu_alone()).replace("\\", "")  # as Markdown has it
    assert "eu: rollback" in shown
    assert "us: proceed" in shown
    assert f"ap: no answer: {NOT_TAKEN}" in shown
    assert "from eu, of 3 locations" in shown


def test_what_one_alone_saw_is_told_to_be_the_way_there() -> None:
    assert "seen from eu and not from elsewhere: the way there?" in summary(seen_from_eu_alone())


def explained(run: JudgedRun, folder: Path) -> tuple[int, str]:
    file, stream = folder / "run.json", io.StringIO()
    file.write_bytes(to_json(run))
    return explain.run(str(file), Settings(), stream), stream.getvalue()


def test_it_explains_to_the_same_verdict(tmp_path: Path) -> None:
    run = seen_from_eu_alone()
    assert from_json(to_json(run)) == run
    code, text = explained(run, tmp_path)
    assert code == 0, text


def test_what_does_not_follow_from_the_locations_is_told(tmp_path: Path) -> None:
    run = seen_from_eu_alone()
    milder = sealed(msgspec.structs.replace(run, checks=[healthy()]), "")
    code, text = explained(milder, tmp_path)
    assert code == 1
    assert "✗ The run does not follow from those of its locations: checks differ." in text


def test_a_location_whose_verdict_does_not_follow_is_told(tmp_path: Path) -> None:
    run = seen_from_eu_alone()
    eu, us, ap = run.locations
    assert eu.run
    assert us.run
    lying = msgspec.structs.replace(eu.run, verdict=us.run.verdict)
    eu = msgspec.structs.replace(eu, run=lying)
    code, text = explained(
        sealed(msgspec.structs.replace(run, locations=[eu, us, ap]), ""), tmp_path
    )
    assert code == 1
    assert "✗ eu: The verdict does not follow: action is 'rollback', not 'proceed'." in text


def test_what_was_altered_is_named_by_its_location(tmp_path: Path) -> None:
    run = seen_from_eu_alone()
    us = msgspec.structs.replace(run.locations[1], reason="altered")
    locations = [run.locations[0], us, run.locations[2]]
    code, text = explained(msgspec.structs.replace(run, locations=locations), tmp_path)
    assert code == 1
    assert "The evidence was altered: location us is not as it was sealed." in text


def test_each_location_is_compared_with_itself_before(tmp_path: Path) -> None:
    slow = result("fast", samples={"t": [3.0, 4.0]})
    file = tmp_path / "before.json"
    here, there = run_of(healthy(), FAST), run_of(healthy(), slow)
    file.write_bytes(to_json(sealed(merged_run(here, there), "")))
    found = earlier(
        str(file),
        "",
        Settings(url="https://api.example.com", url_given=True),
        "2026-01-01T00:01:00.000Z",
    )
    assert found.samples == {}
    assert found.by_location["eu"].compared_samples == {"t": [[0.1, 0.2]]}
    assert found.by_location["us"].compared_samples == {"t": [[3.0, 4.0]]}


def test_junit_has_each_location() -> None:
    assert b'name="location" value="eu: rollback' in junit(seen_from_eu_alone(), "health")
