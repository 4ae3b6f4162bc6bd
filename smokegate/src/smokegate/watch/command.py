"""`smokegate watch`: a watch from end to end, or from where the one before was cut short."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TextIO

from smokegate import gate
from smokegate.errors import UsageError
from smokegate.publication import Publication
from smokegate.reports.escaping import no_command
from smokegate.results import Action, JudgedRun, to_json
from smokegate.settings import Settings
from smokegate.streams import say
from smokegate.verdict import EXIT_CODES, EXIT_MONITOR_STRICT
from smokegate.watch.clock import Clock, SystemClock
from smokegate.watch.conclusion import Conclusion, Ending
from smokegate.watch.looks import TargetLooks
from smokegate.watch.memory import Memory, Watched
from smokegate.watch.progress import Progress
from smokegate.watch.report import report
from smokegate.watch.schedule import Schedule
from smokegate.watch.standing import Change
from smokegate.watch.watcher import Looks, Watcher
from smokegate.watchdog import GiveUp
from smokegate.whole_file import write_named


def run(
    arguments: argparse.Namespace, paths: list[Path], settings: Settings, give_up: GiveUp
) -> int:
    """Watch the target, and return the exit code of what it comes to."""
    gate.refuse_no_target(settings)
    if arguments.for_s < arguments.every_s:
        raise UsageError("watch: --for is shorter than --every")
    schedule = Schedule(arguments.for_s, arguments.every_s, arguments.full_every)
    stream = sys.stderr if arguments.json == "-" else sys.stdout
    clock, memory = SystemClock(), Memory(settings)
    with memory.held(), clock.heeding_signals():
        looks = TargetLooks(paths, settings, clock, give_up)
        watch = Watch(settings, memory, looks, clock, stream, to_the_end=arguments.keep_watching)
        is_well = False
        try:
            watched = watch.run(schedule, arguments.objective, partial=looks.partial)
            is_well = watched.has_ended_well
        finally:
            left = looks.close(thoroughly=is_well)
        watched.left = left
        conclusion = watch.end(watched)
        _write_json(watched, arguments.json or "")
    return exit_code(conclusion.action, strict=settings.strict)


def exit_code(action: Action, *, strict: bool) -> int:
    """The exit code of `smokegate watch`."""
    return EXIT_MONITOR_STRICT if strict and action is Action.MONITOR else EXIT_CODES[action]


class Watch:
    """One watch: begun or gone on with, shown, remembered and told."""

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        looks: Looks,
        clock: Clock,
        stream: TextIO,
        *,
        to_the_end: bool,
    ) -> None:
        self._settings = settings
        self._memory = memory
        self._looks = looks
        self._clock = clock
        self._to_the_end = to_the_end
        self._progress = Progress(stream)
        self._publisher = Publisher(settings, stream)

    def run(self, schedule: Schedule, objective: float, *, partial: bool) -> Watched:
        """Watch to the end, and give all that was seen."""
        watched = self._unfinished(schedule, objective)
        if watched is not None:
            before = len(watched.rounds)
            self._carry_on(watched)
            if not _is_of_another(watched, before):
                return watched
            self._progress.say("That is another version than the one watched: a new watch begins.")
        watched = self._new(schedule, objective, partial=partial)
        self._carry_on(watched)
        return watched

    def end(self, watched: Watched) -> Conclusion:
        """Show what it came to; what is finished is not gone on with."""
        conclusion, spent = watched.conclusion, watched.budget
        assert conclusion is not None  # noqa: S101 - both are made at the end of a watch
        assert spent is not None  # noqa: S101
        self._progress.end()
        for line in report(watched, conclusion, spent, self._progress.pen):
            self._progress.outlet.line(no_command(line.rstrip()))
        if conclusion.ending is Ending.INTERRUPTED:
            self._progress.say(
                "The same command goes on where it was, until its time is over; "
                f"to begin anew, remove {self._memory.path}"
            )
        else:
            self._memory.forget()
        return conclusion

    def _carry_on(self, watched: Watched) -> None:
        self._progress.begun(watched)
        watcher = Watcher(
            watched,
            self._looks,
            self._clock,
            [self._progress, self._publisher],
            self._keep,
            to_the_end=self._to_the_end,
        )
        conclusion = watcher.run()
        if watcher.last_full is not None and conclusion.ending is not Ending.INTERRUPTED:
            self._progress.end()
            is_settled = not watched.standing.wants_full
            self._publisher.publish(watcher.last_full, alerts=is_settled)

    def _keep(self, watched: Watched) -> None:
        try:
            self._memory.keep(watched)
        except OSError as error:
            say(f"smokegate: {self._memory.path} was not written: {error.strerror}")

    def _unfinished(self, schedule: Schedule, objective: float) -> Watched | None:
        """The watch that this one goes on with: of the same time and rounds, and not over yet."""
        found = self._memory.unfinished()
        if found is None:
            return None
        words = ""
        if found.ends_s() < self._clock.wall_s():
            words = "its time is over"
        elif found.last_s() > self._clock.wall_s() + schedule.every_s:
            words = "the clock was set back since"  # to wait for it would be to watch nothing
        elif (found.schedule, found.objective) != (schedule, objective):
            words = "it had other options"
        if words:
            began = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(found.started_s))
            self._progress.say(f"The watch that began at {began} UTC is not gone on with: {words}.")
            return None
        return found

    def _new(self, schedule: Schedule, objective: float, *, partial: bool) -> Watched:
        now_s = self._clock.wall_s()
        watched = Watched(
            target=self._settings.url,
            environment=self._settings.environment,
            started_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s)),
            started_s=now_s,
            schedule=schedule,
            objective=objective,
            partial=partial,
        )
        watched.standing.version = self._settings.expect_version
        return watched


class Publisher:
    """Gives the runs that decided something to files, metrics, history and alerts; each once."""

    def __init__(self, settings: Settings, stream: TextIO) -> None:
        self._settings = settings
        self._stream = stream
        self._published: set[str] = set()
        self._unheard: Publication | None = None
        self._said: list[str] = []
        self._said_before: list[str] = []

    def finished(self, _watched: Watched, _run: JudgedRun) -> None:
        """Tell again what a channel did not take; of a hundred good rounds nobody wants files."""
        if self._unheard is not None:
            self._alert(self._unheard)

    def changed(self, _change: Change, run: JudgedRun) -> None:
        """Publish the run that confirmed a change, and alert."""
        self.publish(run, alerts=True)

    def publish(self, run: JudgedRun, *, alerts: bool) -> None:
        """Publish a run, unless it has been; `alerts` where what it says is confirmed."""
        if run.run_id in self._published:
            return
        self._published.add(run.run_id)
        publication = Publication(
            run, self._settings, self._stream, say=self._say, only_changes=True
        )
        publication.give_to(publication.write_results)
        if alerts:
            self._alert(publication)
        publication.give_to(publication.export, publication.remember)

    def _alert(self, publication: Publication) -> None:
        """Alert, and keep in mind whether somebody may not have heard."""
        self._said, self._said_before = [], self._said
        publication.give_to(publication.alert)
        self._unheard = publication if self._said else None

    def _say(self, trouble: str) -> None:
        """Say a trouble, but not again with each round."""
        self._said.append(trouble)
        if trouble not in self._said_before:
            say(trouble)


def _is_of_another(watched: Watched, before: int) -> bool:
    """Whether another version was served already when a watch was gone on with."""
    conclusion = watched.conclusion
    is_over = conclusion is not None and conclusion.ending is Ending.VERSION
    seen = [each.version for each in watched.rounds[before:]]
    return is_over and watched.standing.version not in seen


def _write_json(watched: Watched, file: str) -> None:
    if not file:
        return
    content = to_json(watched)
    try:
        if file == "-":
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            path = Path(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_named(path, content)
    except OSError as error:
        say(f"smokegate: --json: {file}: {error.strerror or error}")
