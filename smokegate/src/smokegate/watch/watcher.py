"""A watch as it goes: waiting for the next round, looking, and telling what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

from smokegate.results import Action, JudgedRun
from smokegate.watch.budget import budget, flapping
from smokegate.watch.clock import Clock
from smokegate.watch.conclusion import Conclusion, Ending, conclude
from smokegate.watch.memory import Watched
from smokegate.watch.rounds import Look, Result, Round, look_at, traffic
from smokegate.watch.standing import Change

_MOST_LOOKS_AFTER_THE_END = 4


class Looks(Protocol):
    """What verifies the target."""

    def look(self, *, full: bool, light: list[str]) -> JudgedRun:
        """Verify it once, with all checks or with the light ones."""
        ...

    def light_of(self, run: JudgedRun, before: list[str]) -> list[str]:
        """The checks of light rounds, by what a full run did."""
        ...


class Audience(Protocol):
    """Who wants to know how it goes."""

    def finished(self, watched: Watched, run: JudgedRun) -> None:
        """A round is over: the last one of those that were watched."""
        ...

    def changed(self, change: Change, run: JudgedRun) -> None:
        """The target was found to stand otherwise."""
        ...


class Next(NamedTuple):
    """What is to be done next, and when, in seconds after the beginning."""

    slot: int
    due_s: float
    full: bool
    again: bool = False


class Watcher:
    """Carries a watch on from where it is.

    `keep` writes down how far it has come, after each round. With `to_the_end` a confirmed rollback
    does not end it.
    """

    def __init__(
        self,
        watched: Watched,
        looks: Looks,
        clock: Clock,
        audience: Iterable[Audience],
        keep: Callable[[Watched], None],
        *,
        to_the_end: bool = False,
    ) -> None:
        self.watched = watched
        self.last_full: JudgedRun | None = None
        self._looks = looks
        self._clock = clock
        self._audience = list(audience)
        self._keep = keep
        self._to_the_end = to_the_end
        # From here on the wall's clock may be set: it is not asked again.
        self._began_s = clock.now_s() - (clock.wall_s() - watched.started_s)
        last = watched.rounds[-1] if watched.rounds else None
        self._ended_s = last.at_s + last.took_s if last else 0.0  # when the last round was over
        self._looks_after_the_end = 0

    def run(self) -> Conclusion:
        """Watch to the end, and judge."""
        ending = self._ending()
        while ending is None:
            upcoming = self._next()
            self._clock.wait(self._began_s + upcoming.due_s)
            if not self._clock.stopped:
                self._look(upcoming)
            ending = Ending.INTERRUPTED if self._clock.stopped else self._ending()
        there = self.watched
        there.budget = budget(there.rounds, there.objective)
        there.conclusion = conclude(
            there.standing, there.changes, there.budget, ending, flapped=there.flapped
        )
        return there.conclusion

    def _at_s(self) -> float:
        return self._clock.now_s() - self._began_s

    def _ending(self) -> Ending | None:
        there = self.watched
        if there.standing.over:
            return Ending.VERSION
        if there.standing.state is Action.ROLLBACK and not self._to_the_end:
            return Ending.ROLLBACK
        if there.done < there.schedule.last:
            return None
        open_looks = there.standing.unsettled and (
            self._looks_after_the_end < _MOST_LOOKS_AFTER_THE_END
        )
        return None if open_looks else Ending.COMPLETE

    def _next(self) -> Next:
        there, standing, schedule = self.watched, self.watched.standing, self.watched.schedule
        done, now_s = there.done, self._at_s()
        slot = schedule.following(done, now_s)
        again_s = self._ended_s + schedule.look_again_s(max(standing.unsettled, 1))
        is_over = done >= schedule.last
        if is_over or (standing.unsettled and again_s < schedule.due_s(slot)):
            return Next(done, again_s, full=True, again=True)
        full = schedule.is_full(slot, there.last_full) or standing.wants_full or not there.light
        return Next(slot, schedule.due_s(slot), full=full)

    def _look(self, upcoming: Next) -> None:
        there = self.watched
        began_s = self._at_s()
        run = self._looks.look(full=upcoming.full, light=there.light)
        self._ended_s = self._at_s()
        if run.interrupted:
            self._clock.stopped = run.interrupted
            return
        look = look_at(run, full=upcoming.full)
        turn = there.standing.take(look, began_s)
        there.rounds.append(self._round(upcoming, began_s, run, look, turn.result))
        self._looks_after_the_end += upcoming.again and there.done >= there.schedule.last
        if upcoming.full:
            self.last_full = run
            there.light = self._looks.light_of(run, there.light)
        self._tell(run, has_changed=turn.has_changed)

    def _round(
        self, upcoming: Next, began_s: float, run: JudgedRun, look: Look, result: Result
    ) -> Round:
        requests, failed_requests, median_s = traffic(run)
        done = self.watched.done
        return Round(
            slot=upcoming.slot,
            again=upcoming.again,
            at_s=round(began_s, 3),
            took_s=round(self._ended_s - began_s, 3),
            full=upcoming.full,
            result=result,
            action=look.action,
            reason=look.reason,
            failing=sorted(look.failing),
            version=look.version,
            skipped=0 if upcoming.again or done < 0 else upcoming.slot - done - 1,
            requests=requests,
            failed_requests=failed_requests,
            median_s=median_s,
            run_id=run.run_id,
            is_ours=look.is_ours,
        )

    def _tell(self, run: JudgedRun, *, has_changed: bool) -> None:
        """Let those know who want to, and then write down that they do."""
        there = self.watched
        if not there.standing.unsettled:
            rate = flapping(there.rounds, there.changes, there.objective, self._at_s())
            there.flapped |= rate is not None
        for each in self._audience:
            each.finished(there, run)
        if has_changed:
            change = there.standing.change(round(self._ended_s, 3), run.run_id)
            there.changes.append(change)
            for each in self._audience:
                each.changed(change, run)
        self._keep(there)
