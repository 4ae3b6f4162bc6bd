from __future__ import annotations

import pytest
from smokegate.reports.live import LiveLines
from smokegate.reports.outlet import Outlet
from smokegate.results import Outcome

from tests.gate.reports import parts
from tests.gate.reports.screen import Screen

CHECKS = [("health", each) for each in parts.HEALTH[:3]] + [
    ("workflows", each) for each in parts.WORKFLOWS[:5]
]


def test_each_suite_has_one_line_that_is_redrawn_in_place() -> None:
    screen = Screen()
    live = LiveLines(Outlet(screen), CHECKS)
    live.draw()
    live.finished(parts.check(parts.HEALTH[0]))
    live.finished(parts.check(parts.HEALTH[1], Outcome.FAILED))
    assert screen.lines == [
        "health     ✓  1  ✗  1  1 of 3 running: test_redis_connection",
        "workflows  ✓  0        5 of 5 running",
    ]


def test_skipped_and_warned_are_neither_wrong_nor_running() -> None:
    screen = Screen()
    live = LiveLines(Outlet(screen), CHECKS[:2])
    live.finished(parts.check(parts.HEALTH[0], Outcome.SKIPPED))
    live.finished(parts.check(parts.HEALTH[1], Outcome.WARNED))
    assert screen.lines == ["health     ✓  1"]


def test_a_line_never_takes_two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen()
    live = LiveLines(Outlet(screen), CHECKS)
    live.finished(parts.check(parts.HEALTH[0]))
    assert all(len(line) < 40 for line in screen.lines)
    assert len(screen.lines) == 2


def test_erased_lines_leave_nothing() -> None:
    screen = Screen()
    screen.write("before\n")
    live = LiveLines(Outlet(screen), CHECKS)
    live.draw()
    live.erase()
    live.erase()
    assert screen.lines == ["before"]
