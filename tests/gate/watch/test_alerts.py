"""One alert for each change, over restarts as well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from smokegate.watch.schedule import Schedule

from tests.gate.notify.others import Answer, Others, others
from tests.gate.watch.acting import DOWN, GOOD, acted

SHORT = Schedule(1_200.0, 60.0, 10)


@pytest.fixture
def told() -> Iterator[Others]:
    with others() as there:
        yield there


def by_pager(told: Others) -> dict[str, Any]:
    there = told.settings()
    return {
        name: getattr(there, name) for name in ("alert_pagerduty", "alert_pagerduty_url", "ca_file")
    }


def test_an_outage_is_one_alert_and_its_end_another(told: Others, tmp_path: Path) -> None:
    def at(at_s: float) -> str:
        return DOWN if 290 <= at_s < 890 or 120 <= at_s < 130 else GOOD

    begin_s, channels = 0.0, by_pager(told)
    for stop_at_s in (310.0, 400.0, 905.0, float("inf")):  # before and after each alert
        part = acted(
            tmp_path,
            at,
            schedule=SHORT,
            to_the_end=True,
            begin_s=begin_s,
            stop_at_s=stop_at_s,
            channels=channels,
        )
        begin_s = part.script.clock.passed_s
    assert len(part.changes) == 2
    assert told.actions == ["trigger", "resolve"]


def test_what_no_second_look_confirmed_alerts_nobody(told: Others, tmp_path: Path) -> None:
    acted(
        tmp_path,
        lambda at_s: DOWN if at_s % 300 == 180 or at_s == 1_200 else GOOD,
        schedule=SHORT,
        channels=by_pager(told),
    )
    assert told.actions == []


def test_what_a_channel_did_not_take_is_told_with_the_next_round(
    told: Others, tmp_path: Path
) -> None:
    told.answers = {"/v2/enqueue": [Answer(503, "busy", (("Retry-After", "60"),))] * 2}
    acted(tmp_path, lambda _: DOWN, schedule=SHORT, to_the_end=True, channels=by_pager(told))
    assert told.actions == ["trigger"]
    assert told.requests == ["/v2/enqueue"] * 3


def test_the_end_of_a_watch_reminds_nobody(told: Others, tmp_path: Path) -> None:
    there = told.settings()
    channels = {"alert_slack": there.alert_slack, "alert_remind_after_s": 0.001}
    acted(tmp_path, lambda _: DOWN, schedule=SHORT, to_the_end=True, channels=channels)
    assert ["Still" in each for each in told.titles] == [False]
