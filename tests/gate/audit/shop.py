"""A small service, and suites that look at it more or less closely, recorded without a network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from smokegate.audit.campaign import Job
from smokegate.audit.live_run import recording_of
from smokegate.audit.mutants import Mutant, mutants_of
from smokegate.audit.recording import Recorder, Recording
from smokegate.audit.rehearsal import Rehearsal
from smokegate.audit.semantic import Declared
from smokegate.audit.stand_ins import StandIns
from smokegate.audit.trials import Finding, Trials
from smokegate.audit.virtual_loop import in_virtual_loop
from smokegate.checks import Suite, checks_of
from smokegate.client import Request
from smokegate.client.redaction import Redactor
from smokegate.engine import Plan
from smokegate.resources import Catalogue
from smokegate.settings import Settings

from smokegate import Client, HealthSuite, WorkflowSuite, expect, resource
from tests.gate.clients import TARGET
from tests.gate.engine.rehearsal import Rehearsal as LiveRun
from tests.gate.scripted_transport import ScriptedTransport, Step, answered

PASSWORD = "Correct-Horse-42"


@dataclass
class Shop:
    """Sells things to those who have logged in; every run has names and tokens of its own."""

    salt: str = "1"
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    owner_of: dict[str, str] = field(default_factory=dict)

    def transport(self) -> ScriptedTransport:
        transport = ScriptedTransport(
            {
                "GET /health": answered(200, {"status": "healthy", "version": "1.2.3"}),
                "POST /login": self._log_in,
                "POST /items": self._create,
                "GET /items": self._list,
            },
            latency_s=0.01,
        )
        self._transport = transport
        return transport

    def _name(self, what: str) -> str:
        return hashlib.sha256(f"{self.salt}/{what}".encode()).hexdigest()

    def _who(self, request: Request) -> str:
        return dict(request.headers).get("Authorization", "").removeprefix("Bearer ")

    def _log_in(self, request: Request) -> Step:
        sent = msgspec.json.decode(request.body or b"{}")
        if sent["password"] != PASSWORD:
            return _refused(401)
        return answered(200, {"access_token": self._name(f"token of {sent['email']}")})

    def _create(self, request: Request) -> Step:
        who, sent = self._who(request), msgspec.json.decode(request.body or b"{}")
        if not who:
            return _refused(401)
        item = {"id": self._name(sent["name"])[:16], "name": sent["name"], "tags": ["a", "b"]}
        self.items[item["id"]], self.owner_of[item["id"]] = item, who
        self._transport.routes[f"GET /items/{item['id']}"] = self._show
        return answered(201, item)

    def _show(self, request: Request) -> Step:
        item = request.url.rsplit("/", 1)[1]
        if self.owner_of[item] != self._who(request):
            return _refused(404)
        return answered(200, self.items[item])

    def _list(self, request: Request) -> Step:
        who = self._who(request)
        theirs = [item for name, item in self.items.items() if self.owner_of[name] == who]
        return answered(200, {"items": theirs, "total": len(theirs)})


def _refused(status: int) -> Step:
    return answered(status, {"status": status, "title": "No"})


@resource
async def token(client: Client) -> str:
    reply = await client.post("/login", json={"email": client.email(), "password": PASSWORD})
    expect(reply).status(200)
    return reply.read(str, "access_token")


@resource
async def other_token(client: Client) -> str:
    reply = await client.post("/login", json={"email": client.email(), "password": PASSWORD})
    expect(reply).status(200)
    return reply.read(str, "access_token")


class Item(msgspec.Struct):
    id: str
    name: str
    tags: list[str]


class Health(HealthSuite):
    async def test_health(self, client: Client) -> None:
        reply = await client.get("/health")
        expect(reply).status(200).json("status", equals="healthy")


class Workflows(WorkflowSuite):
    async def test_items(self, client: Client, token: str) -> None:
        me, name = client.with_token(token), client.unique("item")
        created = await me.post("/items", json={"name": name})
        expect(created).status(201)
        item = created.read(Item)
        kept = await me.get(f"/items/{item.id}")
        expect(kept).status(200).that("it is kept", kept.read(Item) == item)
        expect(kept).json("name", equals=name)
        expect(kept).json("tags", equals=["a", "b"])

    async def test_strangers(self, client: Client, token: str, other_token: str) -> None:
        mine, theirs = client.with_token(token), client.with_token(other_token)
        created = await mine.post("/items", json={"name": client.unique("secret")})
        expect(created).status(201)
        expect(await theirs.get(f"/items/{created.read(str, 'id')}")).status(404)


class Audited:
    """A recording of suites against the shop, rehearsed, and what becomes of its mutants."""

    def __init__(
        self,
        *suites: type[Suite],
        resources: tuple[Callable[..., Any], ...] = (token, other_token),
        salt: str = "1",
        declared: dict[str, Declared] | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        catalogue = Catalogue()
        catalogue.add({function.__name__: function for function in resources})
        self.plan = Plan(
            checks=[check for suite in suites for check in checks_of(suite)],
            catalogue=catalogue,
            settings_of_suites={},
            missing_suites=[],
            partial=False,
        )
        self.declared = declared or {}
        self._changes = settings or {}
        self.raw: list[Any] = []
        self.recording, self.settings, self.redactor = in_virtual_loop(
            lambda: self._record(suites, resources, salt)
        )
        self.rehearsal = Rehearsal(self.plan, self.settings, self.recording)
        in_virtual_loop(self.rehearsal.play)

    async def _record(
        self,
        suites: tuple[type[Suite], ...],
        resources: tuple[Callable[..., Any], ...],
        salt: str,
    ) -> tuple[Recording, Settings, Redactor]:
        transport = Shop(salt).transport()
        live = LiveRun(*suites, transport=transport, resources=resources, **self._changes)
        recorder = live.session.transport = Recorder(live.session)
        run = await live.run()
        self.raw = recorder.first_attempts({each.id for each in run.checks} | {"token"})
        known = live.session.settings
        return recording_of(run, recorder, known), known, recorder.redactor

    @property
    def job(self) -> Job:
        return Job([], self.settings, self.recording)

    @property
    def mutants(self) -> list[Mutant]:
        return mutants_of(self.rehearsal.sound_entries)

    @property
    def given_away(self) -> Recording:
        """The recording as it is written to a file."""
        return StandIns(self.redactor).for_file(self.rehearsal.recording, self.settings)

    def findings(self, mutants: list[Mutant] | None = None) -> list[Finding]:
        """Try all mutants, or some."""
        trials = Trials(self.rehearsal, self.declared)

        async def all_of_them() -> list[Finding]:
            chosen = self.mutants if mutants is None else mutants
            return [await trials.try_out(mutant) for mutant in chosen]

        return in_virtual_loop(all_of_them)

    def caught(self) -> set[str]:
        """The mutants that a check notices by an expectation, in words."""
        return {each.mutant.words for each in self.findings() if each.fate == "caught"}


__all__ = ["TARGET", "Audited", "Health", "Item", "Shop", "Workflows", "other_token", "token"]
