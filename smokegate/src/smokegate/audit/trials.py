"""Trials: each mutant is replayed, and what every check makes of it is compared with before."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from smokegate.audit.content import Content
from smokegate.audit.mutants import EVERYWHERE, Mutant
from smokegate.audit.operators import Breaker
from smokegate.audit.rehearsal import Rehearsal, blocked_resource, made
from smokegate.audit.replay import Replayed
from smokegate.audit.semantic import Declared
from smokegate.audit.tape import Entry
from smokegate.checks import Check
from smokegate.engine.conclusion import blocked, concluded
from smokegate.errors import AuditError
from smokegate.results import (
    Action,
    CheckResult,
    Consequence,
    Expectation,
    Outcome,
    ResourceResult,
    Run,
    Thresholds,
)
from smokegate.verdict import judge

IDENTICAL = "identical"
Fate = Literal["caught", "accident", "survived", "undecided", "equivalent"]
_MILDEST = Action.PROCEED.value


class HarnessError(AuditError):
    """A mutant that was never delivered, or a spoilt tape: nothing can be said."""


class Catch(msgspec.Struct, frozen=True):
    """A check that noticed, by which expectation, and what that means for the release."""

    check: str
    by: str
    consequence: str
    accidental: bool = False
    through: str = ""  # the resource that could not be made


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a mutant: who caught it, and the verdict that it led to.

    `rule` is the reason why it counts as equivalent, if it does.
    """

    mutant: Mutant
    fate: Fate
    catches: list[Catch] = []
    verdict: str = _MILDEST
    diverged: bool = False
    rule: str = ""


class Trials:
    """Replays mutants on one rehearsal, inside a virtual loop."""

    def __init__(self, rehearsal: Rehearsal, declared: dict[str, Declared]) -> None:
        self._rehearsal = rehearsal
        self._stage = rehearsal.stage
        self._breaker = Breaker(rehearsal.entries, declared)
        self._at: dict[str, list[Entry]] = defaultdict(list)
        for entry in rehearsal.sound_entries:
            self._at[entry.endpoint].append(entry)
            self._at[EVERYWHERE].append(entry)
        self._verdicts: dict[tuple[Any, ...], str] = {}
        self._run = _run_of(rehearsal)
        # Of what has no say, nobody would have heard.
        self._before = {
            check: result
            for check, result in rehearsal.checks.items()
            if result.decides(self._run.started_at) or result.outcome is Outcome.SKIPPED
        }

    def _broken(self, mutant: Mutant, entry: Entry) -> Content:
        return self._breaker.broken(mutant, entry)

    async def try_out(self, mutant: Mutant) -> Finding:
        """Replay every owner that a mutant reaches, and say who noticed."""
        trial = _Trial(self._broken, mutant)
        struck = [entry for entry in self._at[mutant.endpoint] if trial.strikes(entry)]
        if not struck:
            return Finding(mutant=mutant, fate="equivalent", rule=IDENTICAL)
        reached = {entry.owner for entry in struck if self._could_be_noticed(mutant, entry)}
        if not reached:
            return Finding(mutant=mutant, fate="survived")
        made_anew, values = await self._make(reached, trial)
        results: dict[str, CheckResult] = {}
        for check in self._rehearsal.plan.checks:
            if check.id in self._rehearsal.unstable:
                continue
            root = Rehearsal.root_of(check.needs, made_anew)
            if root is not None:
                results[check.id] = blocked(check, root)
            elif check.id in reached or any(need in values for need in check.needs):
                replayed = await self._play(check, values, trial)
                results[check.id] = concluded(check, [replayed.ended])
        if not trial.is_delivered:
            raise HarnessError(f"{mutant.words}: it was never delivered")
        return self._finding(mutant, results, trial)

    async def _make(
        self, reached: set[str], trial: _Trial
    ) -> tuple[dict[str, ResourceResult], dict[str, Any]]:
        """Make again the resources that are reached; what could not be made, or came out other."""
        failed: dict[str, ResourceResult] = {}
        values: dict[str, Any] = {}
        for resource in self._rehearsal.resources:
            name = resource.name
            root = Rehearsal.root_of(resource.needs, failed)
            if root is not None:
                failed[name] = blocked_resource(name, root)
                continue
            if not (name in reached or any(need in values for need in resource.needs)):
                continue
            playback = self._stage.playback(name, trial.change)
            known = self._rehearsal.values | values
            replayed = await self._stage.resource(resource, known, playback)
            trial.note(replayed)
            trial.note_warning(name, self._rehearsal.made[name], replayed)
            if not replayed.outcome.passes:
                failed[name] = made(name, replayed)
            elif not _same(replayed.value, self._rehearsal.values.get(name)):
                values[name] = replayed.value
        return failed, values

    async def _play(self, check: Check, values: dict[str, Any], trial: _Trial) -> Replayed:
        playback = self._stage.playback(check.id, trial.change)
        known = self._rehearsal.values | values if values else self._rehearsal.values
        replayed = await self._stage.check(check, known, playback)
        trial.note(replayed)
        return replayed

    def _could_be_noticed(self, mutant: Mutant, entry: Entry) -> bool:
        """Whether the owner of a reply looks at what a mutant breaks in it."""
        looks = self._rehearsal.reads.of(entry.content)
        match mutant.layer:
            case "field":
                return looks.at_member(mutant.path)
            case "header":
                return looks.at_header(str(mutant.path[0]))
            case "body":
                return looks.at_body or (
                    mutant.operator == "HTML" and looks.at_header("content-type")
                )
        return True

    def _finding(self, mutant: Mutant, results: dict[str, CheckResult], trial: _Trial) -> Finding:
        catches = trial.warnings + [
            catch
            for check, result in results.items()
            if check in self._before and (catch := _catch(result, self._before[check])) is not None
        ]
        fate: Fate = "survived"
        if any(not each.accidental for each in catches):
            fate = "caught"
        elif catches:
            fate = "accident"
        elif trial.has_diverged:
            fate = "undecided"
        return Finding(
            mutant=mutant,
            fate=fate,
            catches=catches,
            verdict=self._verdict(results) if catches else _MILDEST,
            diverged=trial.has_diverged,
        )

    def _verdict(self, results: dict[str, CheckResult]) -> str:
        """Judge the run as it would have been; many mutants lead to the same one."""
        key = tuple(
            (check, each.outcome, tuple(each.failed_consequences), each.consequence)
            for check, each in results.items()
        )
        if key not in self._verdicts:
            checks = [results.get(each.id, each) for each in self._run.checks]
            run = msgspec.structs.replace(self._run, checks=checks)
            self._verdicts[key] = judge(run).action.value
        return self._verdicts[key]


class _Trial:
    """One mutant on its way through the owners that it reaches."""

    def __init__(self, broken: Callable[[Mutant, Entry], Content], mutant: Mutant) -> None:
        self._broken = broken
        self._mutant = mutant
        self._contents: dict[int, Content] = {}
        self.is_delivered = False
        self.has_diverged = False
        self.warnings: list[Catch] = []

    def strikes(self, entry: Entry) -> bool:
        """Whether it changes the reply of an entry."""
        return self._mutant.strikes(entry) and self._content(entry) is not entry.content

    def change(self, entry: Entry) -> Content:
        """What is delivered for an entry."""
        content = self._content(entry)
        self.is_delivered |= content is not entry.content
        return content

    def _content(self, entry: Entry) -> Content:
        known = self._contents.get(id(entry))
        if known is None:
            struck = self._mutant.strikes(entry)
            known = self._broken(self._mutant, entry) if struck else entry.content
            self._contents[id(entry)] = known
        return known

    def note_warning(self, name: str, before: ResourceResult, replayed: Replayed) -> None:
        """Note a resource that can still be made, but warns now."""
        if replayed.outcome is Outcome.WARNED and before.outcome is Outcome.PASSED:
            reason = replayed.ended.attempt.reason
            self.warnings.append(Catch(name, reason, Consequence.WARN.value, through=name))

    def note(self, replayed: Replayed) -> None:
        """Note whether a request had another body than the recorded one."""
        self.has_diverged |= replayed.playback.has_diverged


def _catch(result: CheckResult, before: CheckResult) -> Catch | None:
    """Whether a check notices now what it did not notice before."""
    if not before.outcome.passes and before.outcome is not Outcome.SKIPPED:
        return None  # what always fails catches nothing
    means = result.consequence.value
    if result.outcome is Outcome.BLOCKED:
        means = result.failed_consequences[-1].value
        return Catch(result.id, result.reason, means, through=result.blocked_by)
    if result.outcome is Outcome.UNKNOWN:
        return Catch(result.id, result.reason, means, accidental=True)
    return _by_expectation(result, before) or _by_other_means(result, before)


def _by_expectation(result: CheckResult, before: CheckResult) -> Catch | None:
    missed, known = _missed(result), {each.demand for each in _missed(before)}
    new = [each for each in missed if each.demand not in known]
    if not new:
        return None
    worst = max(new, key=lambda each: each.consequence.severity)
    return Catch(result.id, worst.demand, worst.consequence.value)


def _by_other_means(result: CheckResult, before: CheckResult) -> Catch | None:
    """By a plain assert, or by a warning in the check's own words."""
    if result.outcome is Outcome.FAILED:
        return Catch(result.id, result.reason, result.consequence.value)
    warned = [each for each in result.warnings if each not in before.warnings]
    return Catch(result.id, warned[0], Consequence.WARN.value) if warned else None


def _missed(result: CheckResult) -> list[Expectation]:
    attempts = result.attempts[-1:]
    return [each for attempt in attempts for each in attempt.expectations if not each.held]


def _same(value: Any, other: Any) -> bool:
    """Whether a resource came out as before, whatever its own idea of equality is."""
    try:
        return pickle.dumps(value) == pickle.dumps(other)
    except Exception:  # what cannot be compared counts as other
        return False


def _run_of(rehearsal: Rehearsal) -> Run:
    """The run that the recording would have been judged by."""
    plan, settings = rehearsal.plan, rehearsal.stage.settings
    return Run(
        run_id=rehearsal.recording.run_id,
        target=rehearsal.recording.url,
        environment="",
        version="",
        started_at=rehearsal.recording.recorded_at,
        finished_at=rehearsal.recording.recorded_at,
        duration_s=0.0,
        partial=plan.partial,
        interrupted="",
        settings={},
        thresholds=Thresholds(
            rollback_below=settings.rollback_below, monitor_above=settings.monitor_above
        ),
        missing_suites=[],
        resources=list(rehearsal.made.values()),
        checks=[
            rehearsal.checks[check.id]
            for check in plan.checks
            if check.id not in rehearsal.unstable and not rehearsal.checks[check.id].outcome.fails
        ],
        leftovers=[],
        notes=[],
    )
