"""Clean-up: everything that may exist, in reverse, and a word on what may be left."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from smokegate.checks import HealthSuite
from smokegate.client import Client
from smokegate.engine import CleaningUp, Event
from smokegate.engine.attempt import Attempts
from smokegate.engine.cleanup import remove_all
from smokegate.errors import JournalError
from smokegate.expectations import expect
from smokegate.journal import Creation
from smokegate.resources import Remover, removes
from smokegate.results import Action, Outcome

from tests.gate.clients import bound
from tests.gate.engine.rehearsal import Rehearsal, action, check_in, outcomes
from tests.gate.scripted_transport import NEVER, ScriptedTransport, answered, unanswered

pytestmark = pytest.mark.virtual_clock


class Ledger:
    """What may exist, in memory."""

    def __init__(self, *creations: tuple[str, str, bool | None]) -> None:
        self.creations = [
            Creation(entry=entry, kind=kind, name=name, made=made)
            for entry, (kind, name, made) in enumerate(creations)
        ]
        self.removals: list[str] = []

    @property
    def pending(self) -> list[Creation]:
        return [creation for creation in reversed(self.creations) if creation.may_exist]

    def removed(self, creation: Creation) -> None:
        creation.removed = True
        self.removals.append(creation.name)


async def delete(client: Client, name: str) -> bool:
    reply = await client.delete(f"/{name}")
    if reply.status == 404:
        return False
    expect(reply).status(204)
    return True


REMOVERS: dict[str, Remover] = {"account": delete, "lattice": delete}


async def cleaned(
    ledger: Ledger, transport: ScriptedTransport, *, settled: bool = False, **removers: Any
) -> list[str]:
    attempts = Attempts(bound(transport, timeout_s=5.0).session, 30.0)
    return await remove_all(ledger, {**REMOVERS, **removers}, attempts, settled=settled)


def gone(*names: str, **steps: Any) -> ScriptedTransport:
    routes = {f"DELETE /{name}": answered(204) for name in names}
    return ScriptedTransport({**routes, **{f"DELETE /{n}": s for n, s in steps.items()}})


async def test_the_youngest_goes_first_and_those_of_a_kind_together() -> None:
    ledger = Ledger(
        ("account", "anna", True),
        ("account", "bert", True),
        ("lattice", "a", True),
        ("lattice", "b", None),
        ("account", "carl", True),
    )
    transport = gone("anna", "bert", "a", "b", "carl")
    started = asyncio.get_running_loop().time()
    assert await cleaned(ledger, transport) == []
    order = [(round(sent.at_s - started, 3), sent.line) for sent in transport.sent]
    assert order == [
        (0.0, "DELETE /carl"),
        (0.1, "DELETE /b"),
        (0.1, "DELETE /a"),
        (0.2, "DELETE /bert"),
        (0.2, "DELETE /anna"),
    ]
    assert ledger.pending == []


async def test_what_was_not_made_is_not_asked_for() -> None:
    transport = gone("anna")
    ledger = Ledger(("account", "anna", True), ("account", "bert", False))
    assert await cleaned(ledger, transport) == []
    assert transport.lines == ["DELETE /anna"]


@pytest.mark.parametrize(
    ("made", "settled", "left"),
    [
        (True, False, []),
        (None, True, []),
        (None, False, ["account anna: its creation was not confirmed; it may still come to be"]),
    ],
)
async def test_what_is_not_there_is_gone_unless_it_may_still_come(
    made: bool | None, settled: bool, left: list[str]
) -> None:
    ledger = Ledger(("account", "anna", made))
    assert await cleaned(ledger, gone(anna=answered(404)), settled=settled) == left
    assert len(ledger.pending) == len(left)


async def test_a_failed_removal_is_tried_again_on_a_fresh_connection() -> None:
    transport = gone(anna=[answered(500), answered(204)])
    ledger = Ledger(("account", "anna", True))
    assert await cleaned(ledger, transport) == []
    assert [sent.request.fresh for sent in transport.sent] == [False, True]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (answered(500), "DELETE /anna: expected that status is 204; saw 500"),
        (unanswered("refused"), "DELETE /anna: connection refused"),
        (unanswered("local"), "DELETE /anna: the runner could not make the request"),
        (NEVER, "DELETE /anna: timeout: connected, then no answer"),
    ],
)
async def test_what_could_not_be_removed_is_named_and_the_rest_goes_on(
    step: Any, reason: str
) -> None:
    ledger = Ledger(("account", "bert", True), ("lattice", "a", True), ("account", "anna", True))
    (left,) = await cleaned(ledger, gone("bert", "a", anna=step))
    assert left.startswith(f"account anna: {reason}")
    assert ledger.removals == ["a", "bert"]


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), SystemExit(3)])
async def test_a_remover_that_breaks_is_named_too(error: BaseException) -> None:
    async def broken(client: Client, name: str) -> bool:
        raise error

    ledger = Ledger(("account", "bert", True), ("thing", "cube", True))
    (left,) = await cleaned(ledger, gone("bert"), thing=broken)
    assert left == f"thing cube: {type(error).__name__} in the check: {error}"
    assert ledger.removals == ["bert"]


async def test_a_kind_that_nobody_removes_is_named() -> None:
    ledger = Ledger(("thing", "cube", True))
    assert await cleaned(ledger, gone()) == [
        "thing cube: the suites have no function marked @removes('thing')"
    ]


def creating() -> type[HealthSuite]:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            await client.post("/things", creates=("thing", "cube"))

    return Health


async def test_a_run_says_what_may_be_left() -> None:
    transport = ScriptedTransport({"POST /things": answered(201)})
    run = await Rehearsal(creating(), transport=transport).run()
    assert run.leftovers == ["thing cube: the suites have no function marked @removes('thing')"]
    assert action(run) is Action.PROCEED


async def test_who_listens_hears_of_the_wait_for_what_is_removed() -> None:
    @removes("thing")
    async def remover(client: Client, name: str) -> bool:
        return await delete(client, name)

    transport = ScriptedTransport({"POST /things": answered(201), "DELETE /cube": answered(204)})
    sent: list[list[str]] = []

    def listen(event: Event) -> None:
        if isinstance(event, CleaningUp):
            sent.append([*transport.lines, *rehearsal.journal.removals])

    rehearsal = Rehearsal(creating(), transport=transport, resources=(remover,), listen=listen)
    assert (await rehearsal.run()).leftovers == []
    assert sent == [["POST /things", "DELETE /cube"]], "once, between the request and its reply"
    assert rehearsal.journal.removals == ["cube"]


async def test_what_the_journal_cannot_promise_is_not_requested() -> None:
    transport = ScriptedTransport({"POST /things": answered(201)})
    rehearsal = Rehearsal(creating(), transport=transport)
    rehearsal.journal.refuses = JournalError("journal /x: No space left on device")
    run = await rehearsal.run()
    assert transport.lines == []
    assert outcomes(run) == {"it": Outcome.UNKNOWN}
    assert check_in(run, "it").reason == "journal /x: No space left on device"
    assert run.leftovers == []
    assert action(run) is Action.INCONCLUSIVE


async def test_a_check_that_ends_while_its_intent_is_written_asks_nothing() -> None:
    class Health(HealthSuite):
        async def test_it(self, client: Client) -> None:
            tasks.append(asyncio.create_task(self.create(client)))
            await asyncio.sleep(0)

        async def create(self, client: Client) -> None:
            await client.post("/things", creates=("thing", "cube"))

    tasks: list[asyncio.Task[None]] = []
    transport = ScriptedTransport({"POST /things": answered(201)})
    rehearsal = Rehearsal(Health, transport=transport)
    rehearsal.journal.waits = asyncio.Event()
    await rehearsal.run()
    rehearsal.journal.waits.set()
    await asyncio.wait(tasks)
    assert transport.lines == []
    assert rehearsal.journal.pending == []
    tasks[0].exception()
