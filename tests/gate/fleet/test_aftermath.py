"""What becomes of the runs of a fleet where nobody answers, and where there is no time."""

from __future__ import annotations

from pathlib import Path

from smokegate.fleet.aftermath import Aftermath
from smokegate.targets import Target

from tests.gate.history.runs import failing
from tests.gate.notify.others import HOOK, Answer, others


def test_a_dead_channel_is_waited_for_once_and_after_a_signal_nobody_is(tmp_path: Path) -> None:
    with others() as told:
        told.answers = {HOOK: [Answer(503, "busy", (("Retry-After", "60"),))]}
        history, journal = f"sqlite:///{tmp_path / 'history.db'}", tmp_path / "journal"
        known = told.settings(
            history=history, journal=str(journal), alert_pagerduty="", alert_webhook=""
        )
        target = Target("shop", known, ())
        aftermath = Aftermath(tmp_path)
        pages = []
        for number in range(1, 4):
            run = failing(number, target=f"https://{number}.example.com")
            pages.append(aftermath.take_in(target, run))
        aftermath.hurry()
        pages.append(aftermath.take_in(target, failing(4)))
        aftermath.close()
    assert told.requests == [HOOK]
    assert [bool(page) for page in pages] == [True, True, True, False]
    assert len(list((journal / "not-yet-remembered").iterdir())) == 1
    untried = "smokegate: alerts by slack: not tried again now; kept for the next run"
    assert aftermath.troubles[untried] == 2
