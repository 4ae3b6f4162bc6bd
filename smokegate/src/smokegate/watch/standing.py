"""How a target stands by what was seen so far, and when that is called a change.

One look that says something else is doubtful, and is followed by another one soon. What two looks
in a row support is a change; what the second one takes back was a blip.
"""

from __future__ import annotations

import msgspec

from smokegate.results import Action
from smokegate.versions import is_wanted
from smokegate.watch.rounds import Look, Result

_WORSE, _BETTER = Action.ROLLBACK, Action.PROCEED  # what a light round can say: one of both


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The target was found to stand otherwise; None before the first verdict.

    `since_s` is when the first look saw it, `at_s` when it was confirmed, after the beginning.
    """

    before: Action | None
    after: Action
    since_s: float
    at_s: float
    reason: str
    version: str
    run_id: str


class Turn(msgspec.Struct, frozen=True):
    """What came of a look: it is good, bad or unknown, and it may have confirmed a change."""

    result: Result
    has_changed: bool = False


class Standing(msgspec.Struct, kw_only=True):
    """The state of a watch, which each look moves on; everything is kept over a restart.

    `state` is the confirmed verdict; `version` the one that is watched, `over` the one that is
    served instead beyond doubt.
    """

    state: Action | None = None
    candidate: Action | None = None  # what one look said and another one has to support
    since_s: float = 0.0  # when the first of the doubtful looks began
    unsettled: int = 0  # doubtful looks in a row
    before: Action | None = None  # the state before the last change
    version: str = ""
    reason: str = ""  # of the last full look that said so
    is_met: bool = False  # whether the version that is watched was served
    strange: str = ""
    over: str = ""
    failing: frozenset[str] = frozenset()  # in the last full look
    has_opened: bool = True  # whether that one opened the gate
    light_failing: frozenset[str] | None = None  # in the last light one
    owes_full: bool = False  # a full look saw nothing

    @property
    def wants_full(self) -> bool:
        """Whether only a full look can answer what is open."""
        return self.unsettled > 0 or self.owes_full or self.state is None

    def take(self, look: Look, at_s: float) -> Turn:
        """Move on by one look."""
        if look.blind:
            self.owes_full |= look.full
            return Turn(Result.UNKNOWN)
        self.owes_full &= not look.full
        if self._is_strange(look.version):
            return self._take_strange(look.version, at_s)
        self.strange = ""
        return self._take_full(look, at_s) if look.full else self._take_light(look, at_s)

    def change(self, at_s: float, run_id: str) -> Change:
        """The change that the last look confirmed."""
        assert self.state is not None  # noqa: S101 - there was one
        return Change(
            before=self.before,
            after=self.state,
            since_s=round(self.since_s, 3),
            at_s=at_s,
            reason=self.reason,
            version=self.version,
            run_id=run_id,
        )

    def _is_strange(self, version: str) -> bool:
        if not self.version:
            self.version = version
        if not version:
            return False  # one that is down does not say what it serves
        is_watched = is_wanted(version, self.version)
        self.is_met |= is_watched
        return self.is_met and not is_watched

    def _take_strange(self, version: str, at_s: float) -> Turn:
        """Another version says nothing about the one that is watched; twice, the watch is over."""
        if version == self.strange:
            self.over = version
        self.strange = version
        self._doubt(at_s)
        return Turn(Result.UNKNOWN)

    def _take_light(self, look: Look, at_s: float) -> Turn:
        """Compare with what the last full look found in the same checks."""
        expected = self.failing & look.ran
        fails_anew = bool(look.failing - expected)
        has_recovered = bool(expected - look.failing) and look.failing != self.light_failing
        self.light_failing = look.failing
        if not (fails_anew or has_recovered):
            return Turn(Result.GOOD if self.has_opened else Result.BAD)
        self._doubt(at_s)
        self.candidate = _WORSE if fails_anew else _BETTER
        tolerated = expected if self.has_opened else frozenset()
        return Turn(Result.GOOD if look.failing <= tolerated else Result.BAD)

    def _take_full(self, look: Look, at_s: float) -> Turn:
        self.failing, self.has_opened = look.failing, look.action.opens_the_gate
        result = Result.GOOD if self.has_opened else Result.BAD
        if (self.state is None and self.has_opened) or look.action is self.state:
            self._settle(look.action, look.reason)
        else:
            agreed = _agreed(self.state, self.candidate, look.action)
            if agreed is not None:
                self._change(agreed, look.reason)
                return Turn(result, has_changed=True)
            self._doubt(at_s)
            self.candidate = look.action
        return Turn(result)

    def _doubt(self, at_s: float) -> None:
        if not self.unsettled:
            self.since_s = at_s
        self.unsettled += 1

    def _settle(self, state: Action, reason: str) -> None:
        self.state, self.reason = state, reason
        self.candidate, self.unsettled = None, 0

    def _change(self, state: Action, reason: str) -> None:
        self.before, self.light_failing = self.state, None
        self._settle(state, reason)


def _agreed(state: Action | None, first: Action | None, second: Action) -> Action | None:
    """What two looks in a row support: the milder if both are worse, the worse if both are better.

    None where they do not agree, or where there is only one.
    """
    if first is None:
        return None
    stands = (state or Action.PROCEED).severity
    both = sorted((first, second), key=lambda action: action.severity)
    if both[0].severity > stands:
        return both[0]
    return both[1] if both[1].severity < stands else None
