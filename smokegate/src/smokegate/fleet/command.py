"""`smokegate fleet`: many targets, one table, one report, one exit code."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from smokegate import engine, gate, targets
from smokegate.checks import apart
from smokegate.errors import SuiteError, UsageError, did_you_mean
from smokegate.fleet import report
from smokegate.fleet.aftermath import Aftermath
from smokegate.fleet.campaign import Campaign
from smokegate.fleet.planned import Planned, Verify, verify_here
from smokegate.fleet.progress import Progress
from smokegate.fleet.standing import FleetReport, Standing
from smokegate.fleet.turns import PATIENCE_S, Turns
from smokegate.reports.outlet import Outlet
from smokegate.streams import say
from smokegate.targets import Target
from smokegate.watchdog import GiveUp
from smokegate.whole_file import write_named

_RESULTS = "fleet-results"


def run(asked: argparse.Namespace, environ: Mapping[str, str], give_up: GiveUp) -> int:
    """Verify the targets of a file, show and write how they stand; the exit code of the worst.

    Raises `UsageError` before anything is sent for what cannot be verified as it is written.
    """
    chosen = select(targets.read(Path(asked.file), environ), asked.select or [])
    if asked.list:
        return _list(chosen)
    stream = sys.stderr if asked.json == "-" else sys.stdout
    fleet = _planned(chosen)
    results = Path(asked.results or _RESULTS)
    aftermath, progress = Aftermath(results), Progress(stream, len(fleet))
    campaign = Campaign(fleet, _way(asked, fleet, give_up), aftermath, progress.ended)
    started_at, began_s = datetime.now(UTC).isoformat(timespec="milliseconds"), time.monotonic()
    progress.began(asked.file)
    try:
        standings = campaign.verify(_turns(asked), _longest_s(asked, fleet), give_up)
    finally:
        aftermath.close()
    whole = FleetReport(
        started_at=started_at,
        duration_s=round(time.monotonic() - began_s, 3),
        interrupted=campaign.interrupted,
        targets=sorted(standings, key=_worst_first),
    )
    progress.finish(whole)
    _tell_troubles(aftermath)
    _write(whole, results, asked.json or "", stream)
    return whole.exit_code


def select(fleet: Mapping[str, Target], words: list[str]) -> list[Target]:
    """The targets with these names or tags, or all; raises `UsageError` for one that none has."""
    known = {*fleet, *(tag for target in fleet.values() for tag in target.tags)}
    for word in words:
        if word not in known:
            hint = did_you_mean(word, known)
            raise UsageError(f"--select: no target has the name or the tag {word!r}{hint}")
    return [
        target
        for target in fleet.values()
        if not words or target.name in words or target.tags.intersection(words)
    ]


def _list(chosen: list[Target]) -> int:
    outlet = Outlet(sys.stdout)
    for target in chosen:
        tags = f"  ({', '.join(sorted(target.tags))})" if target.tags else ""
        outlet.line(f"{target.name}  {target.settings.url}{tags}")
    return int(outlet.lost)


def _planned(chosen: list[Target]) -> list[Planned]:
    """The plan of each; suites that several share are loaded once."""
    for authority in dict.fromkeys(target.settings.ca_file for target in chosen):
        gate.refuse_unreadable_authority(authority)
    planned: dict[str, Planned] = {}
    for paths in dict.fromkeys(target.paths for target in chosen):
        with apart(", ".join(map(str, paths))):
            suites = engine.find(list(paths))
            planned |= {each.name: _plan(each, suites) for each in chosen if each.paths == paths}
    return [planned[target.name] for target in chosen]


def _plan(target: Target, suites: engine.Suites) -> Planned:
    try:
        return Planned(target, suites.plan(target.settings))
    except SuiteError:
        raise  # it is of the suites, whichever target they are for
    except UsageError as error:
        whose = f"target {target.name!r}: "
        raise UsageError(f"{error}" if whose in f"{error}" else f"{whose}{error}") from None


def _way(asked: argparse.Namespace, fleet: list[Planned], give_up: GiveUp) -> Verify:
    """How each is verified: here, or by the workers of a location."""
    if not asked.distributed:
        return verify_here
    try:
        from smokegate.fleet.distributed import Distributed
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: install smokegate[locations]") from None
    broker = fleet[0].target.settings
    return Distributed(asked.distributed, broker, asked.at_once, give_up).verify


def _turns(asked: argparse.Namespace) -> Turns:
    # Whoever waits for a worker has to keep its turn: the queue would grow beyond its time limit.
    return Turns(asked.at_once, asked.per_host, None if asked.distributed else PATIENCE_S)


def _longest_s(asked: argparse.Namespace, fleet: list[Planned]) -> float:
    """How long all may take whose checks let them end."""
    rounds: int = math.ceil(len(fleet) / min(asked.at_once, asked.per_host))
    settings = [each.target.settings for each in fleet]
    waiting_s = max(each.location_wait_s for each in settings) if asked.distributed else 0.0
    return rounds * (waiting_s + max(gate.longest_s(each) for each in settings))


def _worst_first(standing: Standing) -> tuple[int, str]:
    return -standing.action.severity, standing.name


def _tell_troubles(aftermath: Aftermath) -> None:
    for trouble, number in aftermath.troubles.items():
        say(f"{trouble} (so for {number} targets)" if number > 1 else trouble)


def _write(whole: FleetReport, results: Path, json_file: str, stream: TextIO) -> None:
    """Write the report; what cannot be written is said, and changes no verdict."""
    try:
        names = ", ".join(path.name for path in report.write(whole, results))
        Outlet(stream).line(f"Results in {results}: {names}")
    except OSError as error:
        say(f"smokegate: {error}")
    try:
        if json_file == "-":
            sys.stdout.buffer.write(report.to_json(whole))
            sys.stdout.buffer.flush()
        elif json_file:
            write_named(Path(json_file), report.to_json(whole))
    except OSError as error:
        say(f"smokegate: --json: {json_file}: {error.strerror or error}")
