"""What the runs of several locations come to: one run, a pure function of theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from smokegate.locations.one_check import View, incident, listed, needed, one_check, told
from smokegate.results import (
    CheckResult,
    JudgedRun,
    MissingSuite,
    Outcome,
    ResourceResult,
    Run,
)

# What is derived from the runs of the locations, and can be derived again.
MERGED = ("checks", "probes", "resources", "missing_suites", "version", "down", "stale")
_NO_SUCH_CHECK = "its run has no such check"
_MOST_TELLING = (
    Outcome.FAILED,
    Outcome.BLOCKED,
    Outcome.UNKNOWN,
    Outcome.WARNED,
    Outcome.PASSED,
    Outcome.SKIPPED,
)

Result = TypeVar("Result", CheckResult, ResourceResult)


def merged(asked: Run) -> Run:
    """Merge the runs of a run's locations into it.

    Its own checks say which there ought to be; what was merged once comes out the same again.
    """
    runs = _runs(asked)
    probes = _firsts([run.probes for _, run in runs], lambda probe: probe.id)
    resources = _firsts([run.resources for _, run in runs], lambda resource: resource.name)
    return msgspec.structs.replace(
        asked,
        checks=[one_check(each, _views(each, asked), asked.quorum) for each in asked.checks],
        probes=[one_check(each, _probe_views(each, asked), asked.quorum) for each in probes],
        resources=[_resource(each, asked) for each in resources],
        missing_suites=_missing(asked),
        version=_most_common([run.version for _, run in runs]),
        down=_agreed([run.down for _, run in runs], asked),
        stale=_agreed([run.stale for _, run in runs], asked),
        leftovers=[f"{name}: {line}" for name, run in runs for line in run.leftovers],
        notes=[*asked.notes, *_notes(asked)],
    )


def _views(check: CheckResult, asked: Run) -> list[View]:
    return [
        View(
            number,
            location.name,
            found := _named(check.id, location.run.checks if location.run else []),
            "" if found else location.reason or _NO_SUCH_CHECK,
        )
        for number, location in enumerate(asked.locations)
    ]


def _probe_views(probe: CheckResult, asked: Run) -> list[View]:
    """The views of a probe, which is not made where the settings do not ask for it."""
    return [
        View(
            number,
            location.name,
            _named(probe.id, location.run.probes if location.run else []),
            "" if location.run else location.reason,
        )
        for number, location in enumerate(asked.locations)
    ]


def _named(check_id: str, checks: list[CheckResult]) -> CheckResult | None:
    return next((each for each in checks if each.id == check_id), None)


def _resource(resource: ResourceResult, asked: Run) -> ResourceResult:
    """The resource of the location that tells most of it."""
    found = [
        (number, each)
        for number, location in enumerate(asked.locations)
        for each in (location.run.resources if location.run else [])
        if each.name == resource.name
    ]
    _, telling = min(found, key=lambda one: _MOST_TELLING.index(one[1].outcome))
    flaky = [(number, each.lost_connection) for number, each in found if each.flaky]
    return msgspec.structs.replace(telling, flaky=bool(flaky), lost_connection=incident(flaky))


def _missing(asked: Run) -> list[MissingSuite]:
    """What is missing at one location is missing: nobody knows what it would have said."""
    told_by: dict[MissingSuite, list[str]] = {}
    for name, run in _runs(asked):
        for each in run.missing_suites:
            told_by.setdefault(each, []).append(name)
    found = [
        each
        if len(names) == len(_runs(asked))
        else MissingSuite(suite=each.suite, reason=f"{each.reason} (from {listed(names)})")
        for each, names in told_by.items()
    ]
    return list(dict.fromkeys([*asked.missing_suites, *found]))


def _notes(asked: Run) -> Iterator[str]:
    yield from told((name, run.notes) for name, run in _runs(asked))
    for location in asked.locations:
        if location.run is None:
            yield f"no answer from {location.name}: {location.reason}"
    versions = {name: run.version for name, run in _runs(asked)}
    if len(set(versions.values())) > 1:
        served = (f"{version or 'none'} to {name}" for name, version in versions.items())
        yield f"the target serves several versions: {', '.join(served)}"


def _runs(asked: Run) -> list[tuple[str, JudgedRun]]:
    return [(each.name, each.run) for each in asked.locations if each.run]


def _firsts(results: list[list[Result]], key: Callable[[Result], str]) -> list[Result]:
    """The first result of each name, in the order of the locations."""
    found: dict[str, Result] = {}
    for result in (each for some in results for each in some):
        found.setdefault(key(result), result)
    return list(found.values())


def _agreed(texts: list[str], asked: Run) -> str:
    """What as many locations as the quorum asks say of the whole target."""
    said = [text for text in texts if text]
    quorum = needed(asked.quorum, len(asked.locations), len(texts))
    return said[0] if len(said) >= quorum else ""


def _most_common(versions: list[str]) -> str:
    known = Counter(version for version in versions if version)
    return max(known, key=lambda version: known[version], default="")
