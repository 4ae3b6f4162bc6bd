"""Measures are of moments: no clock on a wall has a say, be it the runner's or whoever deploys'.

These tests run where the clock is put forward and back, as it is in Berlin.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smokegate.history.detection import detection
from smokegate.history.digest import check_digest, digest
from smokegate.history.flakiness import check_flips
from smokegate.history.rows import milliseconds, moment
from smokegate.history.store import Store
from smokegate.history.trends import run_days
from smokegate.results import JudgedRun

from tests.gate.history.histories import History, Mark, histories, stored, take_in
from tests.gate.history.runs import failing, run, stamp

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
FORWARD = datetime(2026, 3, 29, 1, tzinfo=UTC)  # 02:00 becomes 03:00
BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)  # 03:00 becomes 02:00
OFFSETS = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))
NEAR_A_CHANGE = st.builds(
    lambda change, seconds: change + timedelta(seconds=seconds),
    st.sampled_from([FORWARD, BACK]),
    st.integers(-86_400, 86_400),
)
few = settings(stored, max_examples=12)


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", BERLIN)
        time.tzset()
        assert (
            time.localtime(BACK.timestamp()).tm_hour
            == time.localtime(BACK.timestamp() - 3600).tm_hour
        )
        yield
    time.tzset()


def written(at: datetime, offset: timedelta) -> str:
    """A moment as a clock with this offset shows it."""
    return at.astimezone(timezone(offset)).isoformat()


@given(NEAR_A_CHANGE, OFFSETS)
def test_a_moment_is_the_same_on_every_clock(at: datetime, offset: timedelta) -> None:
    at_ms = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert milliseconds(written(at, offset)) == at_ms
    assert milliseconds(stamp(at)) == at_ms
    assert moment(at_ms) == at.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.sampled(1)
@few
@given(st.lists(st.tuples(NEAR_A_CHANGE, OFFSETS), min_size=1, max_size=8))
def test_a_day_is_one_of_utc_and_has_24_hours(
    store: Store, began: list[tuple[datetime, timedelta]]
) -> None:
    runs = [run(n, started_at=written(*each)) for n, each in enumerate(began)]
    take_in(store, list(runs))
    with store.reading() as connection:
        found = {each.day: sum(each.verdicts.values()) for each in run_days(connection)}
    assert found == Counter(at.strftime("%Y-%m-%d") for at, _ in began)


@few
@given(NEAR_A_CHANGE, OFFSETS, st.integers(0, 86_400), OFFSETS)
def test_time_to_detection_is_what_passed_not_what_clocks_differ_by(
    store: Store, deployed: datetime, offset: timedelta, seconds: int, other: timedelta
) -> None:
    alarm = failing(
        1,
        started_at=written(deployed + timedelta(seconds=seconds), other),
        finished_at=written(deployed + timedelta(seconds=seconds), other),
        settings={"deployed_at": written(deployed, offset)},
    )
    take_in(store, [alarm])
    with store.reading() as connection:
        assert detection(connection).median.value_s == seconds


@pytest.mark.sampled(1)
@settings(few, max_examples=4)
@given(histories(), st.lists(OFFSETS, min_size=1, max_size=5))
def test_no_measure_depends_on_the_clocks_that_moments_were_read_from(
    store: Store, history: History, offsets: list[timedelta]
) -> None:
    measured = []
    for there in history, [_elsewhere(each, offsets, n) for n, each in enumerate(history)]:
        take_in(store, there)
        with store.reading() as connection:
            flow = check_digest(connection, "workflows.flow")
            flips = check_flips(connection, "health.up", environment="production")
            measured.append((digest(connection), flow, flips))
    assert measured[0] == measured[1]


def _elsewhere(event: JudgedRun | Mark, offsets: list[timedelta], number: int) -> JudgedRun | Mark:
    """The same event, its moments as clocks elsewhere show them."""
    if isinstance(event, Mark):
        return event

    def shown(text: str, place: int) -> str:
        return written(datetime.fromisoformat(text), offsets[place % len(offsets)])

    told = str(event.settings.get("deployed_at") or "")
    return msgspec.structs.replace(
        event,
        started_at=shown(event.started_at, number),
        finished_at=shown(event.finished_at, number + 1),
        settings={"deployed_at": shown(told, number + 2)} if told else {},
    )


def test_flips_across_a_change_of_the_clock_are_in_the_order_of_time(store: Store) -> None:
    """By the clock on the wall the last of these would be the second."""
    first = written(BACK - timedelta(minutes=50), timedelta(hours=2))  # 02:10
    second = written(BACK - timedelta(minutes=20), timedelta(hours=2))  # 02:40
    third = written(BACK + timedelta(minutes=20), timedelta(hours=1))  # 02:20
    assert first[11:16] < third[11:16] < second[11:16]
    history: History = [
        made(number, started_at=at, finished_at=at)
        for number, (made, at) in enumerate([(run, first), (run, second), (failing, third)])
    ]
    take_in(store, history)
    with store.reading() as connection:
        found = check_flips(connection, "health.up")
    assert (found.part, found.total) == (1, 2)
