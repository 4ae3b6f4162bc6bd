"""`smokegate history`: ask the history, note a deployment, label a run, remove old ones."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

import msgspec
from sqlalchemy import Connection

from smokegate.errors import UsageError
from smokegate.history.deployments import mark
from smokegate.history.digest import check_digest, check_ids, digest, suite_digest, suites
from smokegate.history.labels import set_label
from smokegate.history.looks import Looks, looks_of
from smokegate.history.pruning import prunable, prune
from smokegate.history.queries import RememberedRun, run_ids, runs
from smokegate.history.queries import run as run_of
from smokegate.history.remembering import opened, url_of
from smokegate.history.rows import moment
from smokegate.history.run_lines import list_lines, run_lines
from smokegate.history.store import Store
from smokegate.history.trend_lines import check_lines, digest_lines, suite_lines
from smokegate.reports.escaping import no_command, one_line
from smokegate.reports.outlet import Outlet
from smokegate.settings import Settings, check_url

_CHOICES = 5


def run(
    arguments: argparse.Namespace,
    settings: Settings,
    stream: TextIO,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Answer what `history` is asked; 0, or 1 where the answer could not be written.

    Raises `UsageError` for a run that is not there, `HistoryError` where the history is not.
    """
    url = url_of(settings)
    if not url:
        raise UsageError("history: the setting history is none: nothing is remembered")
    store = opened(url)
    try:
        outlet = Outlet(stream)
        desk = _Desk(store, settings, arguments, outlet, looks_of(outlet, environ))
        getattr(desk, f"answer_{arguments.question}")()
    finally:
        store.close()
    return int(outlet.lost)


@dataclass(frozen=True)
class _Desk:
    """Answers one question, each by the method of its name."""

    store: Store
    settings: Settings
    asked: argparse.Namespace
    outlet: Outlet
    looks: Looks

    def answer_list(self) -> None:
        """The runs, the newest first."""
        with self.store.reading() as connection:
            page = runs(
                connection,
                environment=self.asked.environment or "",
                action=self.asked.verdict or "",
                since_ms=self.asked.since or 0,
                before=self._run_id(connection, self.asked.before) if self.asked.before else "",
                limit=self.asked.limit,
            )
        empty = f"no run in {self.store.name} that fits"
        self._show(page, list_lines(page, self.looks) if page.runs else iter([empty]))

    def answer_show(self) -> None:
        """One run."""
        with self.store.reading() as connection:
            found = self._run(connection)
        self._show(found, run_lines(found, self.looks))

    def answer_trends(self) -> None:
        """How the gate fares, or one suite or check."""
        asked, now = self.asked, moment(round(time.time() * 1000))
        if asked.check and asked.suite:
            raise UsageError("history: CHECK names one check already: leave out --suite")
        with self.store.reading() as connection:
            found, lines = self._trends(connection, now)
        self._show(found, lines)

    def _trends(self, connection: Connection, now: str) -> tuple[Any, Iterator[str]]:
        """What was asked for, and how it reads."""
        asked = self.asked
        there = {"environment": asked.environment or "", "since_ms": asked.since}
        if asked.check:
            check = check_digest(connection, _check_id(connection, asked.check), **there)
            return check, check_lines(check, now, self.looks)
        if asked.suite:
            _refuse_unknown_suite(connection, asked.suite)
            suite = suite_digest(connection, asked.suite, **there, limit=asked.limit)
            return suite, suite_lines(suite, now, self.looks)
        found = digest(connection, **there, limit=asked.limit)
        return found, digest_lines(found, now, self.looks)

    def answer_deployed(self) -> None:
        """Note a deployment."""
        asked, at_ms = self.asked, self.asked.at
        if at_ms is None:
            at_ms = round(time.time() * 1000)
        deployed = {
            "environment": asked.environment or self.settings.environment,
            "target": self._target(),
            "version": asked.version,
        }
        with self.store.transaction() as connection:
            mark(connection, **deployed, deployed_ms=at_ms)
        what, where = one_line(asked.version), one_line(deployed["environment"])
        said = f"version {what} was deployed to {deployed['target']} ({where}) at {moment(at_ms)}"
        self._show({**deployed, "deployed_at": moment(at_ms)}, iter([said]))

    def _target(self) -> str:
        if self.asked.url:
            return check_url(self.asked.url, "--url")
        if not self.settings.url_given:
            raise UsageError("history: no target: set PRODUCTION_URL or give --url")
        return self.settings.url

    def answer_label(self) -> None:
        """Label a run, or take its label away."""
        label = "" if self.asked.label == "none" else self.asked.label
        with self.store.transaction() as connection:
            run_id = self._run_id(connection, self.asked.run)
            set_label(connection, run_id, label, self.asked.note or "", author=_user())
        said = f"run {run_id} is labelled {label}" if label else f"run {run_id} has no label"
        self._show({"run_id": run_id, "label": label}, iter([said]))

    def answer_prune(self) -> None:
        """Remove old runs, or count them."""
        before_ms = self.asked.older_than
        if self.asked.dry_run:
            with self.store.reading() as connection:
                number = prunable(connection, before_ms)
        else:
            number = prune(self.store, before_ms)
        done = "would be" if self.asked.dry_run else "were"
        said = f"{number:,} runs that began before {moment(before_ms)} {done} removed"
        removed = 0 if self.asked.dry_run else number
        self._show({"before": moment(before_ms), "runs": number, "removed": removed}, iter([said]))

    def _run(self, connection: Connection) -> RememberedRun:
        if self.asked.run and self.asked.environment:
            raise UsageError("history: --environment is for the newest run: leave out RUN")
        run_id = self._run_id(connection, self.asked.run) if self.asked.run else ""
        if not run_id:
            newest = runs(connection, environment=self.asked.environment or "", limit=1).runs
            run_id = newest[0].run_id if newest else ""
        found = run_of(connection, run_id)
        if found is None:
            raise UsageError(f"history: there is no run in {self.store.name} that fits")
        return found

    def _run_id(self, connection: Connection, beginning: str) -> str:
        """The only run whose id begins like that."""
        found = run_ids(connection, beginning, limit=_CHOICES + 1)
        return _only_one(found, f"run that begins with {one_line(beginning)!r}")

    def _show(self, value: Any, lines: Iterator[str]) -> None:
        if self.asked.json:
            # In letters that every terminal and every pipe has.
            self.outlet.line(json.dumps(msgspec.to_builtins(value), indent=1))
            return
        for line in lines:
            self.outlet.line(no_command(line.rstrip()))


def _user() -> str:
    """Who asks, as the system knows them; not everybody is known in a container."""
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def _refuse_unknown_suite(connection: Connection, suite: str) -> None:
    there = suites(connection)
    if suite not in there:
        known = ", ".join(one_line(each) for each in there) or "none yet"
        raise UsageError(f"history: there is no suite {one_line(suite)!r}: there are {known}")


def _check_id(connection: Connection, words: str) -> str:
    return _only_one(check_ids(connection, words), f"check with {one_line(words)!r} in its id")


def _only_one(found: list[str], what: str) -> str:
    if not found:
        raise UsageError(f"history: there is no {what}")
    if len(found) > 1:
        names = ", ".join(one_line(each) for each in found[:_CHOICES])
        more = ", ..." if len(found) > _CHOICES else ""
        raise UsageError(f"history: there is more than one {what}: {names}{more}")
    return found[0]
