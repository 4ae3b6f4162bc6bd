"""Alerts: who is told of an incident, once when it begins and once when it is over.

A run that no channel is set for imports nothing of this but how `smokegate notify` is called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smokegate.reports.last_good import LastGood
    from smokegate.results import JudgedRun
    from smokegate.settings import Settings


@dataclass
class Patience:
    """How long the runs of one process wait for channels: for one that was not reached no more."""

    within_s: float = 5.0
    unreached: set[tuple[str, str]] = field(default_factory=set)  # names, and where they lead to


def notify(
    run: JudgedRun,
    settings: Settings,
    *,
    last_good: LastGood | None = None,
    only_changes: bool = False,
    history_is_away: bool = False,
    patience: Patience | None = None,
) -> list[str]:
    """Tell every channel what a run changes, within seconds; a line for each thing that went wrong.

    `last_good` is the last good run before it, where that is known. `only_changes` leaves out
    reminders. `history_is_away` spares another wait for a database that was not reached just now,
    and a `patience` that several runs share another one for a channel.
    A run of a part of the checks, and one that was interrupted, tell nothing.
    """
    if run.partial or run.interrupted or not settings.alert_channels:
        return []
    from smokegate.notify.alerting import alert

    return alert(
        run,
        settings,
        last_good,
        only_changes=only_changes,
        history_is_away=history_is_away,
        patience=patience or Patience(),
    )
