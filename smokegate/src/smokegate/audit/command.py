"""`smokegate audit`: record, break, replay, and say what nobody noticed."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

import msgspec

from smokegate import engine
from smokegate.audit import campaign, recording
from smokegate.audit.campaign import Job
from smokegate.audit.contract import contract_of
from smokegate.audit.documents import REMOVED
from smokegate.audit.equivalence import Equivalence, value_at
from smokegate.audit.isolation import isolated
from smokegate.audit.live_run import record
from smokegate.audit.mutants import Mutant, mutants_of
from smokegate.audit.overcatching import over_catching
from smokegate.audit.recording import Recording
from smokegate.audit.rehearsal import Rehearsal
from smokegate.audit.report import Audit, audit_of
from smokegate.audit.semantic import left_in, mutants_in
from smokegate.audit.stand_ins import StandIns
from smokegate.audit.trials import IDENTICAL, Finding
from smokegate.audit.virtual_loop import in_virtual_loop
from smokegate.audit.volatility import volatile
from smokegate.client.redaction import Redactor
from smokegate.client.session import learn_request, learn_settings
from smokegate.errors import AuditError, UsageError
from smokegate.reports.outlet import Outlet
from smokegate.results import Outcome
from smokegate.settings import Settings, Sourced
from smokegate.streams import say
from smokegate.whole_file import write_named

_STDOUT = "-"
GiveUp = Callable[[str], NoReturn]


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

    def run(self, settings: Settings, stream: TextIO, give_up: GiveUp) -> int:
        """Audit, show and write the result; 1 if the score is below what was demanded.

        What is acted out live comes last, and takes nothing away from what was found before.
        """
        self._refuse_in_vain(settings)
        outlet = Outlet(stream)
        audit = self.audited(settings, outlet, give_up)
        self._show(audit, outlet)
        self._write(audit)
        if self.live or self.benign_runs:
            audit = self._with_live(audit, settings, outlet, give_up)
            self._show_live(audit, outlet)
            self._write(audit)
        return int(audit.score < self.fail_under)

    def _refuse_in_vain(self, settings: Settings) -> None:
        """Say before the work what would keep its result from being of use."""
        acts = self.live or bool(self.benign_runs)
        if self.recording and acts:
            raise UsageError("audit: --live and --benign need a target, not a --recording")
        for path in (self.json_file, self.html_file, self.save_recording):
            if path and path != _STDOUT:
                _refuse_unwritable(Path(path))
        if acts:
            from smokegate.audit.production import refuse_production

            refuse_production(settings, owns=self.owns)

    def audited(self, settings: Settings, outlet: Outlet, give_up: GiveUp) -> Audit:
        """Get a recording, try every mutant on it, and sum up."""
        started = time.perf_counter()
        if self.recording:
            taken, settings = self._recorded_before(settings)
        else:
            taken = self._record(settings, outlet, give_up)
        record_s = 0.0 if self.recording else time.perf_counter() - started
        plan = engine.load(self.paths, settings)
        if plan.suites.items() - taken.suites.items():
            outlet.line("The suites have changed since they were recorded: some will be left out.")
        job = Job(self.paths, settings, taken)
        rehearsal = campaign.rehearsed(job, plan)
        _refuse_empty(rehearsal)
        mutants = [*mutants_of(rehearsal.sound_entries), *mutants_in(plan)]
        outlet.line(f"Breaking {len(rehearsal.entries)} replies in {len(mutants):,} ways ...")
        started = time.perf_counter()
        processes = self.processes or os.cpu_count() or 1
        found = campaign.run(job, plan, mutants, processes=processes)
        seconds = time.perf_counter() - started
        about = {
            "tool": taken.tool,
            "target": taken.url,
            "recorded_at": taken.recorded_at,
            "exchanges": len(rehearsal.entries),
            "seconds": round(seconds, 3),
            "record_seconds": round(record_s, 3),
            "processes": processes,
        }
        return self._summed_up(rehearsal, found, about)

    def _summed_up(
        self, rehearsal: Rehearsal, found: list[Finding], about: dict[str, object]
    ) -> Audit:
        contract = contract_of(rehearsal.plan, self.openapi)
        found, idle = _without_idle(found)
        equivalence = Equivalence(
            rehearsal.recording,
            rehearsal.sound_entries,
            rehearsal.reads,
            contract.declares if contract else None,
        )
        with isolated():
            over_caught = in_virtual_loop(lambda: over_catching(rehearsal))
        audit = audit_of(
            equivalence.judged(found),
            checks=[check.id for check in rehearsal.plan.checks],
            owners=_owners(rehearsal),
            over_catching=over_caught,
            excluded=_excluded(rehearsal) | idle,
            left=left_in(rehearsal.plan),
            value_at=lambda mutant: _value_at(rehearsal, mutant),
            about=about,
        )
        return _redactor(rehearsal).clean(audit)

    def _with_live(
        self, audit: Audit, settings: Settings, outlet: Outlet, give_up: GiveUp
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

    def _record(self, settings: Settings, outlet: Outlet, give_up: GiveUp) -> Recording:
        """Record two live runs, and keep of the second what differs from the first."""
        outlet.line(f"Recording two runs against {settings.url} ...")
        plan = engine.load(self.paths, settings)
        rehearsals = []
        for which in ("first", "second"):
            try:
                taken, redactor = record(settings, lambda: plan, self.paths, give_up)
            except AuditError as error:
                raise AuditError(f"audit: the {which} recording: {error}") from None
            rehearsals.append(
                (campaign.rehearsed(Job(self.paths, settings, taken), plan), redactor)
            )
        (first, redactor), (second, _) = rehearsals
        differing = volatile(first.entries, second.entries)
        taken = msgspec.structs.replace(first.recording, volatile=differing)
        if self.save_recording:
            given_away = StandIns(redactor).for_file(taken, settings)
            recording.save(given_away, Path(self.save_recording))
        return taken

    def _recorded_before(self, settings: Settings) -> tuple[Recording, Settings]:
        taken = recording.load(Path(self.recording))
        secrets = {key: Sourced(value, self.recording) for key, value in taken.secrets.items()}
        replaying = msgspec.structs.replace(
            settings,
            url=taken.url,
            url_given=True,
            test_password=taken.test_password,
            extra=settings.extra | secrets,
        )
        return taken, replaying

    def _show(self, audit: Audit, outlet: Outlet) -> None:
        from smokegate.audit import terminal

        terminal.show(audit, outlet, verbose=self.verbose)

    def _show_live(self, audit: Audit, outlet: Outlet) -> None:
        from smokegate.audit import live_lines

        for line in live_lines.of(audit):
            outlet.line(line)

    def _write(self, audit: Audit) -> None:
        """Write the files; what cannot be written is said, and keeps nothing else from it."""
        if self.json_file:
            _write(self.json_file, msgspec.json.format(msgspec.json.encode(audit), indent=1))
        if self.html_file:
            from smokegate.audit.page import page

            _write(self.html_file, page(audit).encode("utf-8", "backslashreplace"))


def _refuse_unwritable(path: Path) -> None:
    try:
        was_there = path.exists()
        path.open("ab").close()
        if not was_there:
            path.unlink()
        elif path.is_file():
            tempfile.TemporaryFile(dir=path.resolve().parent).close()  # what is written aside
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None


def _refuse_empty(rehearsal: Rehearsal) -> None:
    if not rehearsal.recording.exchanges and not rehearsal.unstable:
        raise UsageError("audit: nothing was recorded: no check sent a request")
    if not rehearsal.entries:
        check, why = next(iter(rehearsal.unstable.items()))
        raise UsageError(f"audit: nothing of the recording replays: {check}: {why}")


def _without_idle(findings: list[Finding]) -> tuple[list[Finding], dict[str, str]]:
    """Leave out declared faults that change no reply: something is wrong with them."""
    idle = {
        each.mutant.operator: "this declared fault changes no reply of the recording"
        for each in findings
        if each.mutant.layer == "semantic" and each.rule == IDENTICAL
    }
    kept = [
        each
        for each in findings
        if each.mutant.layer != "semantic" or each.mutant.operator not in idle
    ]
    return kept, idle


def _excluded(rehearsal: Rehearsal) -> dict[str, str]:
    """The checks about which nothing can be said, or which have no say."""
    excluded = dict(rehearsal.unstable)
    moment = rehearsal.recording.recorded_at
    for check, result in rehearsal.checks.items():
        if result.outcome is Outcome.BLOCKED:
            excluded.setdefault(check, f"it needs {result.blocked_by}, which is left out")
        elif result.outcome is not Outcome.SKIPPED and not result.decides(moment):
            excluded.setdefault(check, "it has no say in a verdict: deprecated or in quarantine")
        elif result.outcome is Outcome.UNKNOWN:
            excluded.setdefault(check, f"it cannot tell: {result.reason}")
    return excluded


def _owners(rehearsal: Rehearsal) -> dict[str, list[str]]:
    owners: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in rehearsal.entries:
        owners[entry.endpoint].setdefault(entry.owner)
    return {endpoint: list(there) for endpoint, there in owners.items()}


def _value_at(rehearsal: Rehearsal, mutant: Mutant) -> Any:
    """What stands, unbroken, where a mutant strikes."""
    if mutant.layer != "field":
        return REMOVED
    there = (value_at(mutant, each) for each in rehearsal.sound_entries if mutant.strikes(each))
    return next((value for value in there if value is not REMOVED), REMOVED)


def _redactor(rehearsal: Rehearsal) -> Redactor:
    """What knows the secrets that checks have sent, those in their own code included."""
    redactor = Redactor()
    learn_settings(redactor, rehearsal.stage.settings)
    for entry in rehearsal.entries:
        learn_request(redactor, entry.recorded.request)
    return redactor


def _write(path: str, content: bytes) -> None:
    try:
        if path == _STDOUT:
            sys.stdout.buffer.write(content + b"\n")
            sys.stdout.buffer.flush()
        else:
            write_named(Path(path), content + b"\n")
    except OSError as error:
        say(f"smokegate: {path} was not written: {error.strerror or error}")
