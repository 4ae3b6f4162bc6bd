"""A replay at the transport's seam: the whole engine runs, confirmation and redaction and all."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from smokegate.audit.content import Content
from smokegate.audit.mutants import Mutant
from smokegate.audit.operators import Breaker
from smokegate.audit.rehearsal import Rehearsal
from smokegate.audit.semantic import Declared
from smokegate.audit.tape import Entry, Playback
from smokegate.client import Answer, Failure, Request, Session
from smokegate.client.transport import Address
from smokegate.engine import Engine
from smokegate.results import CheckResult, Outcome

from tests.gate.engine.rehearsal import MemoryJournal


class TapeTransport:
    """Answers from the tapes of a rehearsal, as one mutant breaks them."""

    def __init__(
        self, rehearsal: Rehearsal, mutant: Mutant | None, declared: dict[str, Declared]
    ) -> None:
        self._rehearsal = rehearsal
        self._mutant = mutant
        self._breaker = Breaker(rehearsal.entries, declared)
        self._playbacks: dict[str, Playback] = {}
        self._contents: dict[int, Content] = {}

    async def send(self, request: Request) -> Answer:
        owner = request.owner.rpartition("#")[0]
        if request.owner not in self._playbacks:
            self._playbacks[request.owner] = self._rehearsal.stage.playback(owner, self._change)
        asked = msgspec.structs.replace(request, owner="")
        content, beyond = self._playbacks[request.owner].deliver(asked)
        if content.delay_s >= request.timeout_s:
            await asyncio.sleep(request.timeout_s)
            return Answer(failure=Failure(kind="silent", detail=""), sends=1)
        await asyncio.sleep(content.delay_s or (0.05 if beyond else 0))
        return _answer(content)

    def _change(self, entry: Entry) -> Content:
        if self._mutant is None or not self._mutant.strikes(entry):
            return entry.content
        if id(entry) not in self._contents:
            self._contents[id(entry)] = self._breaker.broken(self._mutant, entry)
        return self._contents[id(entry)]

    async def resolve(self, url: str) -> list[Address]:
        return []

    async def close(self) -> None:
        pass


def _answer(content: Content) -> Answer:
    exchange, trouble = content.exchange, content.exchange.trouble
    headers = [each for each in exchange.reply_headers if each[0].lower() != "content-encoding"]
    return Answer(
        status=exchange.status,
        headers=headers,
        body=content.body,
        http_version=exchange.http_version,
        connection=exchange.connection,
        fresh=exchange.fresh,
        sends=1,
        timing=exchange.timing,
        certificate=exchange.certificate,
        failure=Failure(kind=trouble.kind, detail="") if trouble else None,
    )


async def checks_by_engine(
    rehearsal: Rehearsal, settings: Any, mutant: Mutant | None, declared: dict[str, Declared]
) -> dict[str, CheckResult]:
    """Run everything once more by the whole engine; give the results by their check."""
    session = Session(
        settings=msgspec.structs.replace(
            settings, wait_s=0.0, sample_requests=0, url_given=True, confirm_budget_s=1_000.0
        ),
        transport=TapeTransport(rehearsal, mutant, declared),
        creations=MemoryJournal(),
        run_id=rehearsal.recording.run_id,
        user_agent=rehearsal.recording.tool,
        started=asyncio.get_running_loop().time(),
    )
    engine = Engine(rehearsal.plan, session, MemoryJournal(), lambda _: None, tool="t")
    run = await engine.run()
    return {check.id: check for check in run.checks}


def failed_demands(result: CheckResult) -> tuple[Outcome, list[str]]:
    """How a check's first attempt ended, and what it found wanting."""
    if not result.attempts:
        return result.outcome, []
    first = result.attempts[0]
    return first.outcome, [each.demand for each in first.expectations if not each.held]
