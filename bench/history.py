"""How quick a history stays as it grows, on SQLite and on PostgreSQL.

    .venv/bin/python -m bench.history [--ten-million] [--database sqlite]

A year of runs with 20 checks each is made in the database itself: 100,000 check results, then a
million, and with `--ten-million` ten. Then come medians of what runs and people wait for, and how
much longer the largest history takes than the smallest. PostgreSQL writes without waiting for its
disk here. The machine's noise is in all of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from smokegate.history.digest import digest
from smokegate.history.last_good import last_good
from smokegate.history.overview import overview
from smokegate.history.queries import run as one_run
from smokegate.history.queries import runs
from smokegate.history.remembering import opened, remember
from smokegate.history.rows import DAY_MS
from smokegate.history.store import Store
from smokegate.history.trends import check_days
from smokegate.results import JudgedRun
from smokegate.service.access.visitors import Visitor
from smokegate.service.asked import Question as Asked
from smokegate.service.metrics import exposition
from smokegate.service.pages import check, environment
from smokegate.service.pages import overview as overview_page
from smokegate.service.pages import run as run_page
from smokegate.service.pages import runs as runs_page
from smokegate.service.pages.frame import Content, framed
from smokegate.settings import Settings

from bench.generated_history import CHECKS, END_MS, generate, run_id_of
from tests.gate.history.postgres import DATABASES, database_of_kind
from tests.gate.history.runs import run
from tests.gate.samples import result

SIZES = (100_000, 1_000_000)
LARGEST = 10_000_000
REPEATS = 25
MONTH_MS = 30 * DAY_MS
SINCE_MS = END_MS - MONTH_MS

Question = Callable[[int], object]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print a table for each database."""
    parser = argparse.ArgumentParser(prog="python -m bench.history")
    parser.add_argument("--ten-million", action="store_true", help="measure ten million as well")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    asked = parser.parse_args(arguments)
    sizes = (*SIZES, LARGEST) if asked.ten_million else SIZES
    for database in asked.database or DATABASES:
        columns = [_measured(database, size, asked.repeats) for size in sizes]
        print(f"\n| {database} | {' | '.join(f'{size:,}' for size in sizes)} | growth |")
        print("|---|" + "---|" * (len(sizes) + 1))
        for name in columns[0]:
            print(_row(name, [column[name] for column in columns]))


def _row(name: str, medians_s: list[float]) -> str:
    cells = " | ".join(f"{each_s * 1000:.1f} ms" for each_s in medians_s)
    return f"| {name} | {cells} | x {medians_s[-1] / medians_s[0]:.2f} |"


def _measured(database: str, results: int, repeats: int) -> dict[str, float]:
    """The median of each question, in seconds."""
    with tempfile.TemporaryDirectory() as place, database_of_kind(database, Path(place)) as url:
        began = time.perf_counter()
        store = opened(url)
        generate(store, results)
        _clean_up(url)
        took_s = time.perf_counter() - began
        print(f"{database}: {results:,} results made in {took_s:.0f} s", file=sys.stderr)
        medians = {
            name: _median_s(question, repeats)
            for name, question in _questions(store, url, Path(place), results).items()
        }
        store.close()
    return medians


def _clean_up(url: str) -> None:
    """Do what PostgreSQL would do by itself some minutes later, while it is measured."""
    if url.startswith("postgresql"):
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")


def _median_s(question: Question, repeats: int) -> float:
    times = []
    for number in range(-2, repeats):
        began = time.perf_counter()
        question(number)
        if number >= 0:  # before that, it warms up
            times.append(time.perf_counter() - began)
    return median(times)


def _questions(store: Store, url: str, folder: Path, results: int) -> dict[str, Question]:
    settings = Settings(history=url, journal=str(folder / "journal"))
    number_of_runs = results // CHECKS

    def somewhere(number: int) -> str:
        """A run now in this part of the history, now in that."""
        return run_id_of(1 + number * 7_919 % number_of_runs)

    def asking(question: Callable[..., object], *given: object, **more: object) -> Question:
        def ask(_: int) -> object:
            with store.reading() as connection:
                return question(connection, *given, **more)

        return ask

    return {
        "remember one run": lambda number: store.remember(_run(f"new-{number}")),
        "... opening the history for it": lambda n: remember(_run(f"newer-{n}"), settings),
        "overview": asking(overview, (END_MS - MONTH_MS) // DAY_MS),
        "trend of one check, a year": asking(check_days, "workflows.check_7"),
        "list: first page": asking(runs, limit=50),
        "list: a page far back": lambda n: asking(runs, before=somewhere(n), limit=50)(n),
        "list: one verdict, one environment": asking(
            runs, environment="staging", action="rollback", limit=50
        ),
        "one run with all it has": lambda n: asking(one_run, somewhere(n))(n),
        "the last good run before one": asking(last_good, _run("now", suites={})),
        "history trends, a month": asking(digest, environment="production", since_ms=SINCE_MS),
        "/metrics": lambda _: exposition(store),
        **{f"page: {name}": page for name, page in _pages(store, somewhere).items()},
    }


def _pages(store: Store, somewhere: Callable[[int], str]) -> dict[str, Question]:
    """Every page of the dashboard as HTML; there is no network in these times."""
    visitor = Visitor("ada", may_read=True, may_write=True, form_token="form")

    def showing(page: Callable[..., Content], **query: str) -> Question:
        def show(number: int) -> object:
            with store.reading() as connection:
                question = Asked(connection=connection, visitor=visitor, now_ms=END_MS)
                given = {name: value or somewhere(number) for name, value in query.items()}
                return framed(page(question, given), visitor)

        return show

    one_run_page = partial(run_page.page, can_log_in=True)
    return {
        "overview": showing(overview_page.page),
        "an environment": showing(environment.page, environment="production"),
        "an environment, a year": showing(environment.page, environment="production", days="365"),
        "a check, a year": showing(check.page, id="workflows.check_7", days="365"),
        "a run": showing(one_run_page, id=""),
        "runs": showing(runs_page.page),
    }


def _run(run_id: str, **changes: object) -> JudgedRun:
    checks = [result(f"check_{number}") for number in range(CHECKS)]
    there = {"run_id": run_id, "environment": "production", **changes}
    return run(0, *checks, minutes=60 * 24 * 365, **there)


if __name__ == "__main__":
    main(sys.argv[1:])
