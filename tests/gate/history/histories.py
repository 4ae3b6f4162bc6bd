"""Small histories, drawn at random: runs and deployments in the order in which they arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from smokegate.history import deployments
from smokegate.history.rows import milliseconds
from smokegate.history.store import Store
from smokegate.history.tables import metadata
from smokegate.results import CheckResult, Consequence, JudgedRun, Outcome

from tests.gate.history.runs import BEGIN, run, stamp
from tests.gate.samples import healthy, result

MINUTES = 12
BEGIN_MS = milliseconds(stamp(BEGIN))

# A test of a store empties it for each example; a few of them are enough for SQL.
stored = settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)


class Mark(NamedTuple):
    """A deployment that somebody marks."""

    environment: str
    target: str
    version: str
    deployed_ms: int


History = list[JudgedRun | Mark]

ENVIRONMENTS = st.sampled_from(["production", "staging"])
TARGETS = st.sampled_from(["https://a.example", "https://b.example"])
VERSIONS = st.sampled_from(["1", "2", ""])
AT = st.integers(0, MINUTES)


def _checks() -> dict[str, list[CheckResult]]:
    flaky = result("flow", Outcome.WARNED, flaky=True, duration_s=0.7)
    return {
        "proceed": [healthy(), result("flow", duration_s=0.3)],
        "monitor": [healthy(), result("flow", Outcome.FAILED, Consequence.MONITOR)],
        "flaky": [healthy(), flaky],
        "investigate": [healthy(), result("flow", Outcome.FAILED, Consequence.INVESTIGATE)],
        "rollback": [result("up", Outcome.FAILED, suite="health", duration_s=6.0), result("flow")],
        "unknown": [result("up", Outcome.UNKNOWN, suite="health"), result("flow")],
        "skipped": [healthy(), result("flow", Outcome.SKIPPED)],
    }


KINDS = _checks()


@st.composite
def _runs(draw: st.DrawFn, number: int) -> JudgedRun:
    began = draw(AT)
    ended = BEGIN + timedelta(minutes=began, seconds=draw(st.integers(1, 100)))
    told = draw(st.none() | st.none() | AT)
    settings = {} if told is None else {"deployed_at": stamp(BEGIN + timedelta(minutes=told))}
    return run(
        number,
        *KINDS[draw(st.sampled_from(sorted(KINDS)))],
        minutes=began,
        finished_at=stamp(ended),
        duration_s=draw(st.sampled_from([0.5, 4.0, 700.0])),
        environment=draw(ENVIRONMENTS),
        target=draw(TARGETS),
        version=draw(VERSIONS),
        partial=draw(st.sampled_from([False, False, False, True])),
        settings=settings,
    )


MARKS = st.builds(
    Mark,
    ENVIRONMENTS,
    TARGETS,
    st.sampled_from(["1", "2"]),
    AT.map(lambda minute: BEGIN_MS + minute * 60_000),
)


@st.composite
def histories(draw: st.DrawFn, most: int = 14) -> History:
    number = draw(st.integers(0, most))
    return [draw(_runs(each) | _runs(each) | _runs(each) | MARKS) for each in range(number)]


def take_in(store: Store, history: History) -> None:
    """Empty a store, and take in a history."""
    with store.transaction() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    for event in history:
        if isinstance(event, Mark):
            with store.transaction() as connection:
                deployments.mark(connection, **event._asdict())
        else:
            store.remember(event)
