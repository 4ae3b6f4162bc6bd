"""The rehearsal: a recording is played once unbroken, to see what replays as it was live."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from smokegate.audit.content import ReplayReply
from smokegate.audit.reads import Reads, noting
from smokegate.audit.recording import Recorded, Recording
from smokegate.audit.replay import Replayed, Stage
from smokegate.audit.tape import Entry, LenientPlayback, Library, Playback, Tape
from smokegate.checks import Check
from smokegate.client import Request
from smokegate.engine.conclusion import blocked, concluded
from smokegate.engine.plan import Plan
from smokegate.resources import CLIENT, Resource
from smokegate.results import CheckResult, Outcome, ResourceResult
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
        self.reads = Reads({})
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
        # In the file only: what a check has written into its own code may be a secret.
        self.recording = msgspec.structs.replace(
            self.recording, exchanges=[recorded for recorded, _ in followed]
        )
        self._load(msgspec.structs.replace(each, request=request) for each, request in followed)
        self.reads = Reads({id(entry.content): entry.endpoint for entry in self.entries})
        self.stage.reply_type = noting(self.reads)
        await self._play_exactly()
        self.stage.reply_type = ReplayReply
        for check, outcome in (await self.played_again()).items():
            if outcome is not self.checks[check].outcome:
                self.unstable.setdefault(check, "it changes the replies that it reads")

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
            self._note(resource.name, replayed.outcome, playback)
        for check in self.plan.checks:
            self.checks[check.id] = await self._play_check(check)

    async def _play_check(self, check: Check) -> CheckResult:
        root = self.root_of(check.needs, self.made)
        if root is not None:
            return blocked(check, root)
        playback = self.stage.playback(check.id)
        replayed = await self.stage.check(check, self.values, playback)
        self._note(check.id, replayed.outcome, playback)
        return concluded(check, [replayed.ended])

    async def played_again(self) -> dict[str, Outcome]:
        """Play every check once more, and give the outcomes."""
        return {each.id: (await self._play_check(each)).outcome for each in self.plan.checks}

    def _note(self, owner: str, outcome: Outcome, playback: Playback) -> None:
        was = self.recording.outcomes.get(owner, "")
        if was != outcome.value and {was, outcome.value} != {"passed", "warned"}:
            self.unstable[owner] = (
                f"{was or 'not there'} when it was live, {outcome.value} replayed"
            )
        elif not playback.is_whole:
            self.unstable[owner] = (
                "it asks otherwise each time: names come from client.unique(), not from the clock "
                "or a generator of its own"
            )

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


def _known_ones(playback: Playback) -> tuple[list[Request], list[Entry]]:
    """What was asked and is on the tape."""
    pairs = [
        (request, entry)
        for request, entry in zip(playback.requests, playback.delivered, strict=True)
        if entry.owner
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
