"""A history as a list, asked by looking at every pair of runs: slow, plain, and easy to believe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from smokegate.history.measures import Place, Result
from smokegate.history.rows import milliseconds
from smokegate.results import Action, JudgedRun

from tests.gate.history.histories import History, Mark

_KNOWN = {"passed": True, "warned": True, "failed": False, "blocked": False}


def flips_of(seen: Iterable[Result], deployed_ms: Mapping[Place, Sequence[int]]) -> tuple[int, int]:
    """Flips and pairs: every two results of a kind that nothing stands between."""
    known = sorted((each for each in seen if each.outcome in _KNOWN), key=lambda each: each.at_ms)
    flipped = pairs = 0
    for place, version in {(each.place, each.version) for each in known}:
        there = [each for each in known if (each.place, each.version) == (place, version)]
        for before, after in pairwise(there):
            moments = deployed_ms.get(place, ())
            if not any(before.at_ms < moment <= after.at_ms for moment in moments):
                pairs += 1
                flipped += _KNOWN[before.outcome] != _KNOWN[after.outcome]
    return flipped, pairs


class Deployed(NamedTuple):
    """A deployment that somebody told of, marked, or that was sighted."""

    environment: str
    target: str
    version: str
    deployed_ms: int
    source: str

    def is_of(self, run: JudgedRun) -> bool:
        """Whether it is of that version at that target."""
        there = (run.environment, run.target, run.version)
        return (self.environment, self.target, self.version) == there


def deployed_in(history: History) -> set[Deployed]:
    """Every deployment that was told or marked, and the first sighting of the other versions.

    A sighting goes when a deployment before it comes to be known; of a version that somebody told
    of already there is none.
    """
    there: set[Deployed] = set()
    for event in history:
        if isinstance(event, Mark):
            there = _with_told(there, Deployed(*event, "marked"))
        elif event.version:
            told = event.settings.get("deployed_at")
            at_ms = milliseconds(told or event.started_at)
            place = (event.environment, event.target, event.version)
            if told:
                there = _with_told(there, Deployed(*place, at_ms, "told"))
            elif not any(each.is_of(event) and each.source != "sighted" for each in there):
                sighted = [each for each in there if each.is_of(event)]
                first_ms = min([at_ms, *(each.deployed_ms for each in sighted)])
                there = there.difference(sighted) | {Deployed(*place, first_ms, "sighted")}
    return there


def _with_told(there: set[Deployed], told: Deployed) -> set[Deployed]:
    same = [each for each in there if each[:3] == told[:3]]
    gone = {
        each for each in same if each.source == "sighted" and each.deployed_ms >= told.deployed_ms
    }
    known = any(each[:4] == told[:4] for each in there - gone)
    return (there - gone) if known else (there - gone) | {told}


def runs_in(history: History) -> list[JudgedRun]:
    """The runs of a history, by when they finished."""
    runs = [event for event in history if not isinstance(event, Mark)]
    return sorted(runs, key=lambda run: run.finished_at)


def finished_ms(run: JudgedRun) -> int:
    """When a run finished."""
    return milliseconds(run.finished_at)


def closes(run: JudgedRun) -> bool:
    """Whether it is an alarm."""
    return run.verdict.action in (Action.INVESTIGATE, Action.ROLLBACK) and not run.partial


def opens(run: JudgedRun) -> bool:
    """Whether it says that the release may go on."""
    return run.verdict.action in (Action.PROCEED, Action.MONITOR) and not run.partial


def detected_after_s(history: History) -> dict[Deployed, float | None]:
    """For each deployment, the seconds to the first alarm before the next one."""
    deployed = deployed_in(history)
    found: dict[Deployed, float | None] = {}
    for each in deployed:
        later = [
            other.deployed_ms
            for other in deployed
            if other[:2] == each[:2] and other.deployed_ms > each.deployed_ms
        ]
        alarms = [
            finished_ms(run)
            for run in runs_in(history)
            if closes(run)
            and (each.is_of(run) or each._replace(version="").is_of(run))
            and each.deployed_ms <= finished_ms(run) < min(later, default=2**62)
        ]
        found[each] = (alarms[0] - each.deployed_ms) / 1000 if alarms else None
    return found


def overturned(history: History) -> dict[str, str]:
    """Alarms that may have been false, by run id, with the run that overturned each."""
    found: dict[str, str] = {}
    for run in runs_in(history):
        place = (run.environment, run.target)
        moments = [each.deployed_ms for each in deployed_in(history) if each[:2] == place]
        for later in runs_in(history):
            same = place == (later.environment, later.target) and run.version == later.version
            if closes(run) and opens(later) and same and finished_ms(later) > finished_ms(run):
                between = [at for at in moments if finished_ms(run) < at <= finished_ms(later)]
                if not between:
                    found[run.run_id] = later.run_id
                break
    return found
