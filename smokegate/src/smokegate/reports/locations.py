"""What each location of a run came to, where there are several."""

from __future__ import annotations

from smokegate.reports.escaping import one_line
from smokegate.reports.wording import seconds
from smokegate.results import JudgedRun, LocationRun


def locations_in_words(run: JudgedRun) -> list[str]:
    """Give a line for each location: the verdict from there alone, or why there is none."""
    return [one_line(f"{each.name}: {_in_words(each)}", 200) for each in run.locations]


def _in_words(location: LocationRun) -> str:
    if location.run is None:
        return f"no answer: {location.reason}"
    run = location.run
    return f"{run.verdict.action.value}, {seconds(run.duration_s)}, run {run.run_id}"
