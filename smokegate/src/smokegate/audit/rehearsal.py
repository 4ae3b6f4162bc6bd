"""The rehearsal: a recording is played once unbroken, to see what replays as it was live."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from smokegate.audit.content import ReplayReply
from smokegate.audit.reads import Reads, noting
from smokegate.audit.recording import Recorded, Recording
from smokegate.audit.replay import Replayed, Stage
from smokegate.audit.tape import Entry, LenientPlayback, Library, Tape
from smokegate.checks import Check
from smokegate.client import Request
from smokegate.engine.conclusion import blocked, concluded
from smokegate.engine.plan import Plan
from smokegate.resources import CLIENT, Resource
from smokegate.results import CheckResult, ResourceResult
from smokegate.settings import Settings


class Rehearsal:
    """The unbroken replay of a recording: what every check and resource comes to.

    `unstable` names the checks and resources that do not replay as they were live, with the
    reason; nothing can be said about what they would catch.
    """

    def __init__(self, plan: Plan, settings: Settings, recording: Recording) -> None:
        self.plan = plan
        self.recording = recording
        self.stage = Stage(plan, settings, run_id=recording.run_id, tool=recording.tool)
        self.resources = _in_order(plan)
        self.values: dict[str, Any] = {}
        self.made: dict[str, ResourceResult] = {}
        self.checks: dict[str, CheckResult] = {}
        self.unstable: dict[str, str] = {}
        self.reads = Reads()
        self.entries: list[Entry] = []
        self.tapes: dict[str, Tape] = {}

    async def play(self) -> None:
        """Follow the live requests first, then demand the same requests once more, exactly."""
        self._load(self.recording.exchanges)
        asked = await self._follow()
        followed = [
            (msgspec.structs.replace(entry.recorded, number=number), request)
            for requests, entries in asked
            for number, (request, entry) in enumerate(zip(requests, entries, strict=True), 1)
        ]
        # What goes to the file is what was sent when it was live, whose secrets are known.
        self.recording = msgspec.structs.replace(
            self.recording, exchanges=[recorded for recorded, _ in followed]
        )
        self._load(msgspec.structs.replace(each, request=request) for each, request in followed)
        self.reads = Reads()
        self.stage.reply_type = noting(self.reads)
        await self._play_exactly()
        self.stage.reply_type = ReplayReply
        for check in await self.changed_by_now():
            self.unstable[check] = "it changes the replies that it reads"

    @property
    def sound_entries(self) -> list[Entry]:
        """The exchanges of those that replay as they were live."""
        return [each for each in self.entries if each.owner not in self.unstable]

    def _load(self, exchanges: Iterable[Recorded]) -> None:
        tapes: dict[str, list[Entry]] = {}
        for recorded in exchanges:
            tapes.setdefault(recorded.owner, []).append(Entry(recorded))
        self.entries = [entry for entries in tapes.values() for entry in entries]
        self.tapes = {owner: Tape(entries) for owner, entries in tapes.items()}
        self.stage.load(self.tapes, Library(self.entries))

    async def _follow(self) -> list[tuple[list[Request], list[Entry]]]:
        asked = []
        values: dict[str, Any] = {}
        for resource in self.resources:
            if set(resource.needs) - {CLIENT} <= values.keys():
                playback = self._lenient(resource.name)
                replayed = await self.stage.resource(resource, values, playback)
                asked.append(_known_ones(playback))
                if replayed.outcome.passes:
                    values[resource.name] = replayed.value
        for check in self.plan.checks:
            if set(check.needs) - {CLIENT} <= values.keys():
                playback = self._lenient(check.id)
                await self.stage.check(check, values, playback)
                asked.append(_known_ones(playback))
        return asked

    def _lenient(self, owner: str) -> LenientPlayback:
        return LenientPlayback(self.tapes.get(owner) or Tape([]), self.stage.library)

    async def _play_exactly(self) -> None:
        for resource in self.resources:
            root = self.root_of(resource.needs, self.made)
            if root is not None:
                self.made[resource.name] = blocked_resource(resource.name, root)
                continue
            playback = self.stage.playback(resource.name)
            replayed = await self.stage.resource(resource, self.values, playback)
            self.made[resource.name] = made(resource.name, replayed)
            if replayed.outcome.passes:
                self.values[resource.name] = replayed.value
            self._note(resource.name, replayed)
        for check in self.plan.checks:
            of_check = await self._replayed(check)
            self.checks[check.id] = self._result(check, of_check)
            if of_check is not None:
                self._note(check.id, of_check)

    async def _replayed(self, check: Check) -> Replayed | None:
        """Replay a check, if its resources could be made."""
        if self.root_of(check.needs, self.made) is not None:
            return None
        return await self.stage.check(check, self.values, self.stage.playback(check.id))

    def _result(self, check: Check, replayed: Replayed | None) -> CheckResult:
        if replayed is not None:
            return concluded(check, [replayed.ended])
        root = self.root_of(check.needs, self.made)
        assert root is not None  # noqa: S101 - for want of it nothing was replayed
        return blocked(check, root)

    async def changed_by_now(self) -> list[str]:
        """Play every check once more; give those that end otherwise than the first time.

        Replies are shared by all replays, so that a check which changes one spoils it for others.
        """
        return [
            check.id
            for check in self.plan.checks
            if check.id not in self.unstable
            and self._result(check, await self._replayed(check)).outcome
            is not self.checks[check.id].outcome
        ]

    def _note(self, owner: str, replayed: Replayed) -> None:
        was, outcome = self.recording.outcomes.get(owner, ""), replayed.outcome
        reason = replayed.ended.attempt.reason
        if not was:
            self.unstable[owner] = "it is not in the recording: record again"
        elif outcome.fails and was == outcome.value:
            self.unstable[owner] = f"it fails anyway: {reason}"
        elif not replayed.playback.is_whole:
            self.unstable[owner] = (
                "it asks otherwise each time: names come from client.unique(), not from the clock "
                "or a generator of its own"
            )
        elif was != outcome.value and {was, outcome.value} != {"passed", "warned"}:
            self.unstable[owner] = f"{was} when it was live, {outcome.value} in a replay: {reason}"

    @staticmethod
    def root_of(needs: Iterable[str], results: dict[str, ResourceResult]) -> ResourceResult | None:
        """The resource for want of which something cannot be done, if there is one."""
        for need in needs:
            result = results.get(need)
            if result is not None and not result.outcome.passes:
                return result
        return None


def made(name: str, replayed: Replayed) -> ResourceResult:
    """What the making of a resource came to."""
    attempt = replayed.ended.attempt
    return ResourceResult(
        name=name,
        outcome=attempt.outcome,
        reason=attempt.reason,
        needed_by=[],
        duration_s=0.0,
        attempts=[attempt],
        exchanges=attempt.exchanges,
    )


def blocked_resource(name: str, root: ResourceResult) -> ResourceResult:
    """A resource that could not be made for want of another; the root stays the first cause."""
    return msgspec.structs.replace(root, name=name, reason=f"blocked by {root.name}: {root.reason}")


def _known_ones(playback: LenientPlayback) -> tuple[list[Request], list[Entry]]:
    """What was asked and is on the owner's own tape."""
    pairs = [
        (request, entry)
        for request, entry in zip(playback.requests, playback.delivered, strict=True)
        if playback.is_own(entry)
    ]
    return [request for request, _ in pairs], [entry for _, entry in pairs]


def _in_order(plan: Plan) -> list[Resource]:
    """The resources that are needed, each after those that it needs."""
    ordered: dict[str, Resource] = {}

    def add(name: str) -> None:
        resource = plan.catalogue.resources[name]
        for need in resource.needs:
            if need != CLIENT and need not in ordered:
                add(need)
        ordered.setdefault(name, resource)

    for name in plan.needed_by:
        add(name)
    return list(ordered.values())
