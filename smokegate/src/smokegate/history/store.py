"""The store: a database that takes in runs, whole or not at all, each of them once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from smokegate.errors import HistoryError
from smokegate.history import deployments, schema, tables
from smokegate.history.database import FOR_READING, in_one_line, open_database
from smokegate.history.dialects import add_to, greater_of, insert_into
from smokegate.history.measures import OPENS
from smokegate.history.rows import (
    DAY_MS,
    Row,
    check_row,
    count_row,
    failure_rows,
    is_counted,
    milliseconds,
    packed_timings,
    result_row,
    run_count_row,
    run_row,
)
from smokegate.results import CheckResult, JudgedRun


class Store:
    """A history; `url` is an SQLAlchemy URL for SQLite or PostgreSQL.

    Every method raises `HistoryError`, in one line, for what the database does not do.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_database(url)
        shown = self._engine.url.set(query={})  # which may hold a password too
        self.name = shown.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def prepare(self) -> None:
        """Make the schema, or bring an older one up to date."""
        with self._said():
            schema.prepare(self._engine)

    def remember(self, run: JudgedRun) -> bool:
        """Take in a run in one transaction; whether it was new."""
        with self.transaction() as connection:
            return _Insertion(connection, run).made()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that writes; it is rolled back where the block does not end well."""
        with self._said(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for questions; whoever writes does not wait for it, nor it for them."""
        with self._said(), self._engine.connect() as connection:
            yield connection.execution_options(**FOR_READING)

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise HistoryError(f"{self.name}: {in_one_line(error.orig or error)}") from None
        except SQLAlchemyError as error:
            raise HistoryError(f"{self.name}: {in_one_line(error)}") from None


class _Insertion:
    """One run on its way into the tables."""

    def __init__(self, connection: Connection, run: JudgedRun) -> None:
        self._connection = connection
        self._run = run
        self._row = run_row(run)
        self._day = self._row["started_ms"] // DAY_MS

    def made(self) -> bool:
        """Insert everything, unless the run is there already."""
        statement = insert_into(self._connection, tables.runs).values(self._row)
        inserted = self._connection.execute(
            statement.on_conflict_do_nothing().returning(tables.runs.c.id)
        ).scalar()
        if inserted is None:
            return False
        # In one order everywhere: two runners never wait for each other.
        there = sorted(self._run.everything, key=lambda check: check.id)
        keys = self._keys(there)
        self._insert_results(inserted, there, keys)
        self._count(there, keys)
        self._note_deployment()
        self._note_latest()
        return True

    def _keys(self, there: list[CheckResult]) -> dict[str, int]:
        """The keys of the checks by their ids; new ones get one."""
        rows = {each.id: check_row(each) for each in there}
        known = self._known_keys(rows)
        new = [row for row in rows.values() if row["check_id"] not in known]
        if new:
            statement = insert_into(self._connection, tables.checks).values(new)
            self._connection.execute(statement.on_conflict_do_nothing())
            known = self._known_keys(rows)
        return {check: known[row["check_id"]] for check, row in rows.items()}

    def _known_keys(self, rows: dict[str, Row]) -> dict[str, int]:
        wanted = [row["check_id"] for row in rows.values()]
        found = select(tables.checks.c.check_id, tables.checks.c.id).where(
            tables.checks.c.check_id.in_(wanted)
        )
        return {row.check_id: row.id for row in self._connection.execute(found)}

    def _insert_results(self, run: int, there: list[CheckResult], keys: dict[str, int]) -> None:
        started_ms = self._row["started_ms"]
        results = [
            {"run": run, "check": keys[each.id], **result_row(each, started_ms)} for each in there
        ]
        failures = [
            {"run": run, "check": keys[each.id], **row}
            for each in there
            for row in failure_rows(each)
        ]
        for table, rows in (tables.results, results), (tables.failures, failures):
            if rows:
                self._connection.execute(table.insert(), rows)
        packed = {"run": run, "exchanges": packed_timings(self._run)}
        self._connection.execute(tables.timings.insert(), [packed])

    def _count(self, there: list[CheckResult], keys: dict[str, int]) -> None:
        environment = self._row["environment"]
        counted = [(keys[each.id], count_row(each)) for each in there if is_counted(each)]
        counters = [{"environment": environment, "check": key, **row} for key, row in counted]
        days = [{**row, "day": self._day} for row in counters]
        run_day = {
            "environment": environment,
            "day": self._day,
            "action": self._row["action"],
            **run_count_row(self._run),
        }
        run_days = [] if self._run.partial else [run_day]
        for table, rows in (
            (tables.counters, counters),
            (tables.days, days),
            (tables.run_days, run_days),
        ):
            if rows:
                self._connection.execute(add_to(self._connection, table), rows)

    def _note_deployment(self) -> None:
        """Note when this version was deployed: as was told, or when it is first seen."""
        version = {name: self._row[name] for name in ("environment", "target", "version")}
        told = str(self._run.settings.get("deployed_at") or "")
        if not version["version"]:
            return
        if told:
            deployments.note(self._connection, version, milliseconds(told), deployments.TOLD)
        else:
            started_ms = self._row["started_ms"]
            deployments.note(self._connection, version, started_ms, deployments.SIGHTED)

    def _note_latest(self) -> None:
        """Note how the environment stands; a run that is taken in late changes nothing newer.

        One of a part of the checks makes the environment known, but its verdict says nothing
        of the rest.
        """
        there = tables.latest
        if self._run.partial:
            nothing = {"run_id": "", "version": "", "action": "", "started_ms": 0}
            row = {"environment": self._row["environment"], **nothing}
            statement = insert_into(self._connection, there).values(row)
            self._connection.execute(statement.on_conflict_do_nothing())
            return
        opens = self._row["action"] in OPENS
        row = {name: self._row[name] for name in ("environment", "run_id", "version", "action")}
        row |= {
            "started_ms": self._row["started_ms"],
            "succeeded_ms": self._row["finished_ms"] if opens else None,
        }
        statement = insert_into(self._connection, there).values(row)
        if opens:
            before = func.coalesce(there.c.succeeded_ms, 0)
            succeeded = greater_of(self._connection, before, statement.excluded.succeeded_ms)
            self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[there.c.environment], set_={"succeeded_ms": succeeded}
                )
            )
        newer = {
            name: statement.excluded[name] for name in ("run_id", "version", "action", "started_ms")
        }
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[there.c.environment],
                set_=newer,
                where=there.c.started_ms <= statement.excluded.started_ms,
            )
        )
