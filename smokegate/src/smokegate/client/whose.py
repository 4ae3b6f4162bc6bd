"""Whose trouble it is that a request got no reply, by what is known about the place.

The rules are those of docs/verdicts.md: a refused or silent connection is the target's, a local
error is the runner's, and a connect timeout from a place that was never let in is nobody's yet.
Control addresses, where they are set, tell the runner's network from the target's.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from smokegate.client.control import ANSWERS, Control
from smokegate.client.trouble import RUNNER, TARGET, UNDECIDED, WORDS
from smokegate.results import Side, Trouble

# Kinds that may as well come from the runner's own network: it is about them that controls speak.
AMBIGUOUS = frozenset({"refused", "connect_timeout", "unreachable", "name_missing", "resolver"})
_OF_NAMES = frozenset({"name_missing", "resolver"})


class Says(Enum):
    """What the control addresses say about a failure of the target."""

    NOTHING = "nothing"  # there are none, or they fail in another way
    WORKS = "works"
    SAME = "same"


class Place(NamedTuple):
    """What is known about the place from which a request failed.

    `lets_in` says that a connection to the target has succeeded from here, now or in a run before.
    """

    lets_in: bool = False
    controls: tuple[Control, ...] = ()


_NOWHERE = Place()
_SAID = {
    (False, Says.NOTHING): "",
    (False, Says.WORKS): "; the control address {} answers, so this runner's network works",
    (False, Says.SAME): "; the control address {} fails in the same way",
    (True, Says.NOTHING): "",
    (True, Says.WORKS): "; the name of the control address {} resolves",
    (True, Says.SAME): "; the name of the control address {} does not resolve either",
}


def side_of(kind: str, *, lets_in: bool, says: Says) -> Side:
    """Say whose trouble a failure is."""
    if kind in AMBIGUOUS and says is Says.SAME:
        return RUNNER
    if kind == "connect_timeout" and lets_in:
        return TARGET
    if kind == "unreachable" and lets_in and says is Says.WORKS:
        return TARGET
    if kind == "resolver" and says is Says.WORKS:
        return TARGET
    return WORDS[kind].side


def what_they_say(kind: str, controls: tuple[Control, ...]) -> tuple[Says, str]:
    """What the control addresses say about a failure, and the first of them that says it."""
    said = {_says(kind, each): each.address for each in reversed(controls)}
    says = next((each for each in (Says.WORKS, Says.SAME) if each in said), Says.NOTHING)
    return says, "" if says is Says.NOTHING else said[says]


def _says(kind: str, control: Control) -> Says:
    if kind in _OF_NAMES:
        resolves = control.result not in _OF_NAMES
        return (Says.WORKS if resolves else Says.SAME) if control.is_named else Says.NOTHING
    if kind in AMBIGUOUS and control.result == ANSWERS:
        return Says.WORKS
    return Says.SAME if kind in AMBIGUOUS and control.result == kind else Says.NOTHING


def describe(kind: str, detail: str, place: Place = _NOWHERE) -> Trouble:
    """Give the words for a kind of failure, seen from a place."""
    words, (says, control) = WORDS[kind], what_they_say(kind, place.controls)
    side = side_of(kind, lets_in=place.lets_in, says=says)
    summary = words.summary if detail in words.summary else f"{words.summary} ({detail})"
    never = ["this runner may never have been let in"] if side is UNDECIDED else []
    return Trouble(
        kind=kind,
        side=side,
        summary=summary + _SAID[kind in _OF_NAMES, says].format(control),
        causes=[*words.causes, *never],
        next_step=words.next_step,
        incurable=words.incurable and side is TARGET,
    )
