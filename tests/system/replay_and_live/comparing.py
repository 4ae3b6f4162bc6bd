"""Mutants tried twice: on a recording, and by a proxy in front of the live service.

Outcome and failed expectations of each check are the same, or the mutant was flagged as diverged.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, NoReturn

import msgspec
from smokegate.audit.campaign import Job, rehearsed
from smokegate.audit.content import Content
from smokegate.audit.front import Front, Subject, standing
from smokegate.audit.live_run import record
from smokegate.audit.mutants import Mutant, mutants_of
from smokegate.audit.operators import Breaker
from smokegate.audit.recording import Recorded
from smokegate.audit.rehearsal import Rehearsal
from smokegate.audit.semantic import declared_in
from smokegate.audit.tape import Entry
from smokegate.audit.trials import Finding, Trials
from smokegate.audit.virtual_loop import in_virtual_loop
from smokegate.checks import Check
from smokegate.client import Answer
from smokegate.client import Request as Asked
from smokegate.engine import Plan
from smokegate.fault_proxy import EditReply, Fault, Reply, Request
from smokegate.results import CheckResult, Outcome
from smokegate.settings import Settings

from smokegate import engine
from tests.system.command import SUITES

# Time is judged otherwise live, and what has no reply cannot be rewritten.
_REWRITABLE = frozenset({"status", "body", "header", "field"})
# The burst would make each run long, and its replies are those of other checks.
_LEFT_OUT = frozenset({"health.test_rate_limiting_active", "health.test_api_response_time"})

Noticed = dict[str, str]


class Comparison(NamedTuple):
    """What the checks noticed of one mutant on the recording, and live."""

    mutant: Mutant
    offline: Noticed
    live: Noticed
    diverged: bool

    @property
    def agrees(self) -> bool:
        """Whether they noticed the same, or it was said that this cannot be told."""
        return self.offline == self.live or self.diverged


class Twice:
    """A live service with a recording of it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = msgspec.structs.replace(
            settings, sample_requests=0, wait_s=0.0, journal=str(folder / "journal")
        )
        plan = self._plan(self._settings)
        taken, _ = record(self._settings, lambda: plan, [SUITES], _give_up)
        self.rehearsal: Rehearsal = rehearsed(Job([SUITES], self._settings, taken), plan)
        self._declared = declared_in(plan)
        self._trials = Trials(self.rehearsal, self._declared)
        self._breaker = Breaker(self.rehearsal.entries, self._declared)

    def _plan(self, settings: Settings, only: frozenset[str] | None = None) -> Plan:
        def select(check: Check) -> bool:
            return check.id not in _LEFT_OUT and (only is None or check.id in only)

        return engine.load([SUITES], settings, select=select)

    def mutants(self, number: int, seed: int) -> list[Mutant]:
        """Draw mutants, as many of each layer and operator as there is room for."""
        kinds: dict[tuple[str, str], list[Mutant]] = defaultdict(list)
        for mutant in mutants_of(self.rehearsal.sound_entries):
            told = mutant.family == "endpoint" and mutant.operator != "stale"
            if told and mutant.layer in _REWRITABLE:
                kinds[mutant.layer, mutant.operator].append(mutant)
        draw = random.Random(seed)
        drawn: list[Mutant] = []
        while len(drawn) < number:
            drawn += [there.pop(draw.randrange(len(there))) for there in kinds.values() if there]
        return drawn[:number]

    def compare(self, front: Front, mutant: Mutant) -> Comparison:
        """Try a mutant on the recording and live."""
        finding = in_virtual_loop(lambda: self._trials.try_out(mutant))
        edited = EditReply(lambda request, reply: self._rewritten(mutant, request, reply))
        performance = front.verify(Fault(edited), wait_s=0.0)
        live = {each.id: each for each in performance.run.checks}
        return Comparison(mutant, _offline(finding), _live(live), finding.diverged)

    def subject(self) -> Subject:
        """What the proxy stands in front of."""
        return Subject(self._settings, self._plan, [SUITES], _give_up, lambda _: None, owns=True)

    def _rewritten(self, mutant: Mutant, request: Request, reply: Reply) -> Reply:
        asked = Asked(
            method=request.method,
            url=self._settings.url + request.target,
            headers=list(request.headers),
            body=request.body or None,
        )
        answer = Answer(status=reply.status, headers=list(reply.headers), body=reply.body, sends=1)
        entry = Entry(Recorded(owner="live", number=1, request=asked, answer=answer))
        if not mutant.strikes(entry):
            return reply
        content = self._breaker.broken(mutant, entry)
        return reply if content is entry.content else _as_reply(reply, content)


def _as_reply(reply: Reply, content: Content) -> Reply:
    return replace(
        reply,
        status=content.status,
        reason="",
        headers=tuple(content.exchange.reply_headers),
        body=content.body,
    )


def _offline(finding: Finding) -> Noticed:
    return {
        catch.check: "blocked" if catch.through else "unknown" if catch.accidental else catch.by
        for catch in finding.catches
        if catch.check != catch.through
    }


def _live(results: dict[str, CheckResult]) -> Noticed:
    noticed: Noticed = {}
    for check, result in results.items():
        if result.outcome is Outcome.BLOCKED:
            noticed[check] = "blocked"
        elif result.attempts and (words := _first_noticed(result)):
            noticed[check] = words
    return noticed


def _first_noticed(result: CheckResult) -> str:
    first = result.attempts[0]
    if first.outcome is Outcome.UNKNOWN:
        return "unknown"
    missed = [each for each in first.expectations if not each.held]
    if missed:
        return max(missed, key=lambda each: each.consequence.severity).demand
    return first.reason if first.outcome is Outcome.FAILED else ""


def _give_up(reason: str) -> NoReturn:
    raise SystemExit(reason)


def compared(
    settings: Settings, folder: Path, number: int, seed: int, tell: Callable[[Comparison], None]
) -> list[Comparison]:
    """Compare so many mutants."""
    twice = Twice(settings, folder)
    found = []
    with standing(twice.subject()) as front:
        for mutant in twice.mutants(number, seed):
            found.append(twice.compare(front, mutant))
            tell(found[-1])
    return found
