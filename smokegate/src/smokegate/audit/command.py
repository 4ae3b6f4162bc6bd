"""`smokegate audit`: record, break, replay, and say what nobody noticed."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO

import msgspec

from smokegate import engine
from smokegate.audit import campaign, recording
from smokegate.audit.campaign import Job
from smokegate.audit.contract import contract_of
from smokegate.audit.equivalence import IDENTICAL, Equivalence
from smokegate.audit.live_run import record
from smokegate.audit.mutants import mutants_of
from smokegate.audit.overcatching import over_catching
from smokegate.audit.recording import Recording
from smokegate.audit.rehearsal import Rehearsal
from smokegate.audit.replay import silenced
from smokegate.audit.report import Audit, audit_of
from smokegate.audit.semantic import left_in, mutants_in
from smokegate.audit.trials import Finding
from smokegate.audit.virtual_loop import in_virtual_loop
from smokegate.audit.volatility import volatile
from smokegate.engine import Plan
from smokegate.errors import UsageError
from smokegate.reports.outlet import Outlet
from smokegate.results import Outcome
from smokegate.settings import Settings


@dataclass(frozen=True)
class Command:
    """What is to be audited, and where what comes of it goes."""

    paths: list[Path]
    recording: str = ""
    save_recording: str = ""
    openapi: str = ""
    json_file: str = ""
    html_file: str = ""
    live: bool = False
    benign_runs: int = 0
    owns: bool = False
    fail_under: float = 0.0
    processes: int = 0
    verbose: bool = False

    def run(self, settings: Settings, stream: TextIO, give_up: Callable[[str], NoReturn]) -> int:
        """Audit, show and write the result; 1 if the score is below what was demanded."""
        outlet = Outlet(stream)
        if self.recording and (self.live or self.benign_runs):
            raise UsageError("audit: --live and --benign need a target, not a --recording")
        audit = self.audited(settings, outlet, give_up)
        if self.live or self.benign_runs:
            audit = self._with_live(audit, settings, outlet, give_up)
        self._publish(audit, outlet)
        return int(audit.score < self.fail_under)

    def audited(
        self, settings: Settings, outlet: Outlet, give_up: Callable[[str], NoReturn]
    ) -> Audit:
        """Get a recording, try every mutant on it, and sum up."""
        if self.recording:
            taken, settings, plan = self._recorded_before(settings)
            record_s = 0.0
        else:
            started = time.perf_counter()
            taken, settings, plan = self._record(settings, outlet, give_up)
            record_s = time.perf_counter() - started
        job = Job(self.paths, settings, taken)
        rehearsal = campaign.rehearsed(job, plan)
        self._save(rehearsal.recording)
        _refuse_empty(rehearsal)
        contract = contract_of(plan, self.openapi)
        mutants = [*mutants_of(rehearsal.sound_entries), *mutants_in(plan)]
        outlet.line(f"Breaking {len(taken.exchanges)} replies in {len(mutants):,} ways ...")
        started = time.perf_counter()
        processes = self.processes or os.cpu_count() or 1
        found = campaign.run(job, plan, mutants, processes=processes, tell=lambda *_: None)
        seconds = time.perf_counter() - started
        found, idle = _without_idle(found)
        equivalence = Equivalence(
            rehearsal.recording,
            rehearsal.sound_entries,
            rehearsal.reads,
            contract.declares if contract else None,
        )
        findings = equivalence.judged(found)
        with silenced():
            over_caught = in_virtual_loop(lambda: over_catching(rehearsal))
        return audit_of(
            findings,
            checks=[check.id for check in plan.checks],
            owners=_owners(rehearsal),
            over_catching=over_caught,
            excluded=_excluded(rehearsal) | idle,
            left=left_in(plan),
            about={
                "tool": taken.tool,
                "target": taken.url,
                "recorded_at": taken.recorded_at,
                "exchanges": len(rehearsal.entries),
                "seconds": round(seconds, 3),
                "record_seconds": round(record_s, 3),
                "processes": processes,
            },
        )

    def _with_live(
        self,
        audit: Audit,
        settings: Settings,
        outlet: Outlet,
        give_up: Callable[[str], NoReturn],
    ) -> Audit:
        """Add what cannot be replayed, acted out in front of the target."""
        try:
            from smokegate.audit import benign, live
            from smokegate.audit.front import Subject
        except ModuleNotFoundError as error:
            raise UsageError(f"audit: {error.name} is missing: install smokegate[audit]") from None
        subject = Subject(
            settings,
            lambda of_one_run: engine.load(self.paths, of_one_run),
            self.paths,
            give_up,
            outlet.line,
            owns=self.owns,
        )
        if self.live:
            audit = msgspec.structs.replace(audit, live=live.act_out(subject))
        if self.benign_runs:
            report = benign.act_out(subject, self.benign_runs)
            audit = msgspec.structs.replace(audit, benign=report)
        return audit

    def _record(
        self, settings: Settings, outlet: Outlet, give_up: Callable[[str], NoReturn]
    ) -> tuple[Recording, Settings, Plan]:
        """Record two live runs, and keep of the second what differs from the first."""
        outlet.line(f"Recording two runs against {settings.url} ...")
        plan = engine.load(self.paths, settings)
        taken, replaying = record(settings, lambda: plan, self.paths, give_up)
        again, replaying_again = record(settings, lambda: plan, self.paths, give_up)
        first = campaign.rehearsed(Job(self.paths, replaying, taken), plan)
        second = campaign.rehearsed(Job(self.paths, replaying_again, again), plan)
        differing = volatile(first.entries, second.entries)
        taken = msgspec.structs.replace(first.recording, volatile=differing)
        return taken, replaying, plan

    def _recorded_before(self, settings: Settings) -> tuple[Recording, Settings, Plan]:
        taken = recording.load(Path(self.recording))
        settings = msgspec.structs.replace(
            settings, url=taken.url, url_given=True, test_password=taken.test_password
        )
        return taken, settings, engine.load(self.paths, settings)

    def _save(self, taken: Recording) -> None:
        if self.save_recording:
            recording.save(taken, Path(self.save_recording))

    def _publish(self, audit: Audit, outlet: Outlet) -> None:
        from smokegate.audit import live_lines, terminal

        terminal.show(audit, outlet, verbose=self.verbose)
        for line in live_lines.of(audit):
            outlet.line(line)
        if self.json_file:
            _write(self.json_file, msgspec.json.format(msgspec.json.encode(audit), indent=1))
        if self.html_file:
            from smokegate.audit.page import page

            _write(self.html_file, page(audit).encode("utf-8", "backslashreplace"))


def _refuse_empty(rehearsal: Rehearsal) -> None:
    if not rehearsal.entries:
        raise UsageError("audit: nothing was recorded: no check sent a request")


def _without_idle(findings: list[Finding]) -> tuple[list[Finding], dict[str, str]]:
    """Leave out declared faults that change no reply: something is wrong with them."""
    idle = {
        each.mutant.operator: "this declared fault changes no reply of the recording"
        for each in findings
        if each.mutant.layer == "semantic" and each.rule == IDENTICAL
    }
    return [each for each in findings if each.mutant.operator not in idle], idle


def _excluded(rehearsal: Rehearsal) -> dict[str, str]:
    """The checks about which nothing can be said."""
    excluded = dict(rehearsal.unstable)
    for check, result in rehearsal.checks.items():
        may_catch = result.outcome.passes or result.outcome is Outcome.SKIPPED
        if not may_catch and check not in excluded:
            excluded[check] = f"{result.outcome.value} in the recording: {result.reason}"
    return excluded


def _owners(rehearsal: Rehearsal) -> dict[str, list[str]]:
    owners: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in rehearsal.entries:
        owners[entry.endpoint].setdefault(entry.owner)
    return {endpoint: list(there) for endpoint, there in owners.items()}


def _write(path: str, content: bytes) -> None:
    import sys

    if path == "-":
        sys.stdout.buffer.write(content + b"\n")
        sys.stdout.buffer.flush()
        return
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
