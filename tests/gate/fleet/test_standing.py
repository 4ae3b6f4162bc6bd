"""What a fleet comes to."""

from __future__ import annotations

import pytest
from smokegate.fleet.standing import FleetReport, Standing
from smokegate.results import Action


def standing(action: Action, code: int) -> Standing:
    return Standing(
        name="a",
        target="http://a",
        environment="production",
        tags=[],
        action=action,
        reason="",
        exit_code=code,
    )


@pytest.mark.parametrize(
    ("standings", "worst", "code"),
    [
        ([(Action.PROCEED, 0)], Action.PROCEED, 0),
        ([(Action.PROCEED, 0), (Action.MONITOR, 0)], Action.MONITOR, 0),
        ([(Action.MONITOR, 5), (Action.MONITOR, 0)], Action.MONITOR, 5),
        ([(Action.INCONCLUSIVE, 30), (Action.MONITOR, 5)], Action.INCONCLUSIVE, 30),
        ([(Action.INCONCLUSIVE, 30), (Action.INVESTIGATE, 10)], Action.INVESTIGATE, 10),
        ([(Action.ROLLBACK, 20), (Action.INCONCLUSIVE, 30)], Action.ROLLBACK, 20),
    ],
)
def test_the_exit_code_is_that_of_the_worst(
    standings: list[tuple[Action, int]], worst: Action, code: int
) -> None:
    targets = [standing(*each) for each in standings]
    report = FleetReport(started_at="2026-01-01T00:00:00Z", duration_s=1.0, targets=targets)
    assert (report.worst, report.exit_code) == (worst, code)
