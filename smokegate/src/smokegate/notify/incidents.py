"""What a run changes about the incident that it belongs to: pure functions, no clock of their own.

An incident is one target in one environment, verified by the same suites. It begins with the first
bad verdict, stays one however many follow, and ends with the next good one. A verdict that is
neither (inconclusive, unless `alert_on` names it) leaves it as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from smokegate.history.rows import milliseconds
from smokegate.notify.notice import VERSION_CHARS, Kind, suites_of
from smokegate.reports.escaping import one_line
from smokegate.results import Action, JudgedRun
from smokegate.settings import Settings

_KEY_CHARS = 32


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands; `action` is None where there is none now.

    `action` is the worst verdict that was told of it, `told` are the channels that heard.
    """

    key: str
    action: Action | None = None
    opened_ms: int = 0
    bad_runs: int = 0
    told: tuple[str, ...] = ()
    told_ms: int = 0
    version: str = ""
    run_id: str = ""


class Tell(NamedTuple):
    """What is to be told, and to whom."""

    kind: Kind
    channels: tuple[str, ...]


def key_of(run: JudgedRun) -> str:
    """The deduplication key: the same for the same target, environment and suites."""
    parts = "\0".join((run.target, run.environment, *suites_of(run)))
    digest = hashlib.sha256(parts.encode("utf-8", "backslashreplace")).hexdigest()
    return f"smokegate-{digest[:_KEY_CHARS]}"


def after(
    before: Incident, run: JudgedRun, settings: Settings, *, only_changes: bool = False
) -> tuple[Incident, list[Tell]]:
    """How the incident stands after a run, and what is to be told of that."""
    if run.run_id == before.run_id:
        return before, []  # it was taken in when it ended
    version = one_line(run.version, VERSION_CHARS) or before.version
    there = msgspec.structs.replace(before, run_id=run.run_id, version=version)
    action = run.verdict.action
    if action.value in settings.alert_on:
        there, more = _gone_bad(there, run, settings, only_changes=only_changes)
    elif action.opens_the_gate and before.action:
        there = Incident(key=there.key, version=there.version, run_id=there.run_id)
        more = [Tell(Kind.RESOLVED, before.told)]  # a channel that is not set here waits for a run
    else:
        more = []
    if before.version and version != before.version:  # that the first one is new is not known
        more = [Tell(Kind.DEPLOYED, settings.alert_channels), *more]
    return there, [each for each in more if each.channels]


def _gone_bad(
    before: Incident, run: JudgedRun, settings: Settings, *, only_changes: bool
) -> tuple[Incident, list[Tell]]:
    now_ms, action = milliseconds(run.finished_at), run.verdict.action
    opened_ms = before.opened_ms if before.action else now_ms
    bad_runs = before.bad_runs + 1
    worst = max(before.action or action, action, key=lambda each: each.severity)
    due = _due(settings, bad_runs, (now_ms - opened_ms) / 1000)
    known = _of(before.told, due)
    tell = [Tell(Kind.OPENED, tuple(each for each in due if each not in before.told))]
    if before.action and worst is not before.action:
        tell.append(Tell(Kind.WORSE, known))
    elif not only_changes and _is_reminded(settings, now_ms - before.told_ms):
        tell.append(Tell(Kind.STILL, known))
    return (
        msgspec.structs.replace(
            before,
            action=worst,
            opened_ms=opened_ms,
            bad_runs=bad_runs,
            told=(*before.told, *tell[0].channels),
            told_ms=now_ms if any(each.channels for each in tell) else before.told_ms,
        ),
        tell,
    )


def _due(settings: Settings, bad_runs: int, lasted_s: float) -> tuple[str, ...]:
    """The channels that are to know of an incident by now."""
    limit_s = settings.alert_escalate_after_s
    is_escalated = bad_runs >= settings.alert_escalate_after_runs or 0 < limit_s <= lasted_s
    later = () if is_escalated else settings.alert_escalate
    return tuple(each for each in settings.alert_channels if each not in later)


def _is_reminded(settings: Settings, silent_ms: int) -> bool:
    return 0 < settings.alert_remind_after_s * 1000 <= silent_ms


def _of(some: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    wanted = set(others)
    return tuple(each for each in some if each in wanted)
