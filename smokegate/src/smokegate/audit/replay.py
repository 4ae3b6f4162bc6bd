"""Replaying checks and resources against a recording: no network, no waiting, the same outcome."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import msgspec

from smokegate.audit.content import Content, ReplayReply
from smokegate.audit.isolation import seed
from smokegate.audit.tape import Change, Library, Playback, Tape
from smokegate.checks import Check
from smokegate.client import Client, Evidence, Request, Session
from smokegate.client.redaction import Redactor
from smokegate.client.transport import Headers
from smokegate.engine.attempt import Ended, Work, asserted, endure, outcome_of
from smokegate.engine.plan import Plan
from smokegate.resources import CLIENT, Resource
from smokegate.results import Attempt, Consequence, Exchange, Outcome
from smokegate.settings import Settings

# What is asked again and again, without a pause, must come to its deadline.
_ASKED_AGAIN_S = 0.05


class Replayed(NamedTuple):
    """How an attempt ended, what it made, and its way through the tape."""

    ended: Ended
    playback: Playback

    @property
    def outcome(self) -> Outcome:
        """The attempt's outcome."""
        return self.ended.outcome

    @property
    def value(self) -> Any:
        """What a resource's attempt made."""
        return self.ended.value


class _Silent(Redactor):
    """In a recording there is nothing to redact."""

    def add(self, secret: str, *, sent: bool = True) -> None:
        """Nothing is learnt."""

    def text(self, text: str) -> str:
        """The text as it is."""
        return text


class _Nowhere:
    """Nothing is created in a replay, so nothing is to be removed."""

    async def intend(self, *_: str) -> int:
        return 0

    def settle(self, *_: object) -> None:
        pass


class ReplaySession(Session):
    """The session of a replay: nothing to learn, nobody to tell."""

    def __init__(self, settings: Settings, run_id: str, user_agent: str) -> None:
        super().__init__(
            settings=settings,
            transport=None,  # type: ignore[arg-type]  # the client asks the playback instead
            creations=_Nowhere(),
            run_id=run_id,
            user_agent=user_agent,
            started=0.0,
        )
        self.redactor = _Silent()
        self.tell = lambda _: None

    def learn_query(self, url: str) -> None:
        """Nothing is learnt."""

    def learn_secrets(self, headers: Headers, body: bytes, *, sent: bool = False) -> None:
        """Nothing is learnt."""


class _PlayedEvidence(Evidence):
    """Evidence of an attempt with its way through a tape."""

    def __init__(
        self,
        owner: str,
        consequence: Consequence,
        deadline: float,
        playback: Playback,
        reply_type: type[ReplayReply],
    ) -> None:
        super().__init__(owner, consequence, deadline)
        self.playback = playback
        self.reply_type = reply_type

    def shown(self, text: str, most_chars: int) -> str:
        """Cut a text; in a recording there are only stand-ins for secrets."""
        return text if len(text) <= most_chars else text[:most_chars]

    def take(self, exchange: Exchange) -> Exchange:
        """Keep an exchange as the next."""
        self.requests += 1
        if exchange.number != self.requests:
            exchange = msgspec.structs.replace(exchange, number=self.requests)
        self.exchanges.append(exchange)
        return exchange


class ReplayClient(Client):
    """A client whose replies come from the playback of its evidence."""

    evidence: _PlayedEvidence

    async def _exchange(
        self, request: Request, _creates: tuple[str, str] | None
    ) -> tuple[Exchange, Any]:
        evidence = self.evidence
        evidence.refuse_if_closed()
        if request.timeout_s > self.settings.timeout_s:
            evidence.allow_for(request.timeout_s - self.settings.timeout_s)
        content, beyond = evidence.playback.deliver(request)
        delay_s = content.delay_s
        if delay_s >= request.timeout_s:
            delay_s, content = request.timeout_s, content.without_reply("silent")
        if delay_s or beyond:
            await self._wait(content, delay_s or _ASKED_AGAIN_S)
        return evidence.take(content.exchange), content

    async def _wait(self, content: Content, delay_s: float) -> None:
        try:
            await asyncio.sleep(delay_s)
        except asyncio.CancelledError:
            kind = "deadline" if self.evidence.is_out_of_time else "abandoned"
            self.evidence.take(content.without_reply(kind).exchange)
            raise

    def _reply(self, exchange: Exchange, body: Any) -> ReplayReply:
        return self.evidence.reply_type(body, exchange, self.evidence)


class Stage:
    """The checks and resources of a plan on the tapes of one recording."""

    def __init__(self, plan: Plan, settings: Settings, *, run_id: str, tool: str) -> None:
        self._plan = plan
        self.settings = settings
        self._session = ReplaySession(settings, run_id, tool)
        self._longest_s = settings.timeout_s + settings.check_grace_s
        self.library = Library([])
        self.reply_type: type[ReplayReply] = ReplayReply
        self._tapes: dict[str, Tape] = {}

    def load(self, tapes: dict[str, Tape], library: Library) -> None:
        """Take in the tapes of all owners, and what is known of other requests."""
        self._tapes, self.library = tapes, library

    def playback(self, owner: str, change: Change | None = None) -> Playback:
        """The beginning of an owner's tape."""
        return Playback(self._tapes.get(owner) or Tape([]), self.library, change)

    async def check(self, check: Check, values: dict[str, Any], playback: Playback) -> Replayed:
        """Run a check with the values of its resources."""

        async def work(client: Client) -> None:
            await check.bind(self._plan.settings_of_suites)(**_given(check.needs, values, client))

        return await self._attempt(check.id, check.consequence, work, playback)

    async def resource(
        self, resource: Resource, values: dict[str, Any], playback: Playback
    ) -> Replayed:
        """Make a resource from the values of those that it needs."""

        async def work(client: Client) -> Any:
            return await resource.make(**_given(resource.needs, values, client))

        return await self._attempt(resource.name, Consequence.ROLLBACK, work, playback)

    async def _attempt(
        self, owner: str, consequence: Consequence, work: Work, playback: Playback
    ) -> Replayed:
        seed(self._session.run_id, owner)
        ends = asyncio.get_running_loop().time() + self._longest_s
        evidence = _PlayedEvidence(f"{owner}#1", consequence, ends, playback, self.reply_type)
        value, error = await endure(work, ReplayClient(self._session, evidence))
        evidence.closed = True
        outcome, reason = outcome_of(evidence, error)
        attempt = Attempt(
            number=1,
            outcome=outcome,
            reason=reason,
            started_s=0.0,
            duration_s=0.0,
            expectations=evidence.expectations,
            exchanges=evidence.exchanges,
            asserted=outcome is Outcome.FAILED and asserted(evidence, error),
        )
        return Replayed(Ended(attempt, evidence, value=value), playback)


def _given(needs: list[str], values: dict[str, Any], client: Client) -> dict[str, Any]:
    return {name: client if name == CLIENT else values[name] for name in needs}
