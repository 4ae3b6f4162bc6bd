"""What must be true of a history after a campaign, looked at row by row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smokegate.history import tables
from smokegate.history.remembering import opened, remember
from smokegate.history.rows import DAY_MS
from smokegate.history.tables import BUCKET_COLUMNS, BUCKETS_S
from smokegate.settings import Settings
from sqlalchemy import Connection, Table, select, text

from tests.gate.history.runs import run
from tests.system.history_campaign.writer import CHECKS

Rows = list[dict[str, Any]]


def problems(url: str, ledgers: Path, journals: Path) -> list[str]:
    """What is not as it must be, each in a line."""
    returned, troubles = _told(ledgers)
    # What was kept for later is taken in by the next run.
    last = run(0, run_id="run-last", minutes=10_000_000)
    troubles += filter(None, [remember(last, Settings(history=url, journal=str(journals))).trouble])
    store = opened(url)
    with store.reading() as connection:
        found = [*troubles, *_of_runs(connection, returned), *_of_counts(connection)]
        found += [*_of_what_stands(connection), *_of_the_file(connection)]
    store.close()
    return found


def _told(ledgers: Path) -> tuple[set[str], list[str]]:
    """The runs whose storing returned, and what was said of trouble."""
    returned, troubles = set(), []
    for ledger in ledgers.glob("*.ledger"):
        for line in ledger.read_text().splitlines():
            run_id, _, trouble = line.partition(" ")
            returned.add(run_id)
            troubles += [trouble] if trouble else []
    return returned, troubles


def _rows(connection: Connection, table: Table) -> Rows:
    return [row._asdict() for row in connection.execute(select(table))]


def _of_runs(connection: Connection, returned: set[str]) -> Iterator[str]:
    """Each run that was remembered is there once, and each that is there is there as a whole."""
    runs = _rows(connection, tables.runs)
    there = Counter(each["run_id"] for each in runs)
    yield from (f"{each} is lost" for each in sorted(returned - set(there)))
    yield from (f"{each} is there {number} times" for each, number in there.items() if number > 1)
    results = Counter(each["run"] for each in _rows(connection, tables.results))
    timings = Counter(each["run"] for each in _rows(connection, tables.timings))
    for each in runs:
        wanted = 2 if each["run_id"] == "run-last" else CHECKS
        if (results.pop(each["id"], 0), timings.pop(each["id"], 0)) != (wanted, 1):
            yield f"{each['run_id']} is not whole"
    yield from (f"results of no run: {each}" for each in results)


def _of_counts(connection: Connection) -> Iterator[str]:
    """What was counted is the sum over the results."""
    runs = {each["id"]: each for each in _rows(connection, tables.runs)}
    for table in tables.counters, tables.days:
        keys = [column.name for column in table.primary_key]
        sums: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
        for result in _rows(connection, tables.results):
            place = {**result, "environment": runs[result["run"]]["environment"]}
            place["day"] = result["started_ms"] // DAY_MS
            if result["outcome"] != "skipped":
                sums[tuple(place[key] for key in keys)].update(_counted(result))
        for row in _rows(connection, table):
            summed = sums.pop(tuple(row.pop(key) for key in keys), Counter())
            duration_s = row.pop("duration_sum_s") - summed.pop("duration_sum_s", 0)
            if abs(duration_s) > 1e-6 or Counter(row) != summed:
                yield f"{table.name}: {row} is not {dict(summed)}"
        yield from (f"{table.name}: {key} was not counted" for key in sums)
    yield from _of_run_days(connection, list(runs.values()))


def _counted(result: dict[str, Any]) -> dict[str, Any]:
    outcome = result["outcome"]
    within = {
        name: int(result["duration_s"] <= bound)
        for name, bound in zip(BUCKET_COLUMNS, BUCKETS_S, strict=True)
    }
    return {
        "total": 1,
        "passed": int(outcome in ("passed", "warned")),
        "failed": int(outcome in ("failed", "blocked")),
        "warned": int(outcome == "warned"),
        "unknown": int(outcome == "unknown"),
        "flaky": int(result["flaky"]),
        "duration_sum_s": result["duration_s"],
        **within,
    }


def _of_run_days(connection: Connection, runs: Rows) -> Iterator[str]:
    there = Counter(
        (each["environment"], each["started_ms"] // DAY_MS, each["action"]) for each in runs
    )
    counted = {
        (each["environment"], each["day"], each["action"]): each["total"]
        for each in _rows(connection, tables.run_days)
    }
    if there != counted:
        yield f"run_days: {sum(counted.values())} runs were counted, there are {len(runs)}"


def _of_what_stands(connection: Connection) -> Iterator[str]:
    """The newest run stands, and each version was sighted once, by the first run that saw it."""
    newest: dict[str, int] = {}
    sighted: dict[tuple[str, ...], int] = {}
    for each in _rows(connection, tables.runs):
        version = (each["environment"], each["target"], each["version"])
        newest[version[0]] = max(each["started_ms"], newest.get(version[0], 0))
        sighted[version] = min(each["started_ms"], sighted.get(version, 2**62))
    for row in _rows(connection, tables.latest):
        if row["started_ms"] != newest.pop(row["environment"], None):
            yield f"latest: {row} is not the newest"
    yield from (f"latest: {each} is missing" for each in newest)
    for row in _rows(connection, tables.deployments):
        version = (row["environment"], row["target"], row["version"])
        if row["deployed_ms"] != sighted.pop(version, None):
            yield f"deployments: {row} is not the first sighting, or not the only one"
    yield from (f"deployments: {each} is missing" for each in sighted)


def _of_the_file(connection: Connection) -> Iterator[str]:
    if connection.dialect.name == "sqlite":
        said = connection.scalar(text("PRAGMA integrity_check"))
        yield from [] if said == "ok" else [f"integrity_check: {said}"]
