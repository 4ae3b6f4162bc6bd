"""A run on its way to those who are to hear of it: noted first, then sent, what is left kept.

It is noted in the history, because a runner may lose its disk after every run, and two runners may
work on one target. Where there is no history it is a file beside the journal, whose content goes
into the history as soon as that is there; where neither can be written, alerts are sent all the
same, and may come again.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic

from smokegate import journal
from smokegate.client.redaction import Redactor
from smokegate.client.session import learn_settings
from smokegate.engine import in_loop
from smokegate.errors import HistoryError
from smokegate.history.remembering import opened, url_of
from smokegate.history.rows import moment
from smokegate.history.store import Store
from smokegate.notify import Patience, incidents, ledger
from smokegate.notify.channel import Again, Channel, Outcome
from smokegate.notify.channels import channels_of, hears
from smokegate.notify.delivery import deliver
from smokegate.notify.incidents import Incident
from smokegate.notify.ledger import Waiting
from smokegate.notify.notice import Circumstances, Kind, Notice, notice_of
from smokegate.posting import as_shown
from smokegate.reports.escaping import one_line
from smokegate.reports.last_good import LastGood
from smokegate.reports.wording import several
from smokegate.results import JudgedRun
from smokegate.settings import Settings

_FILE = "alerts.db"
_NOWHERE = "sqlite://"  # in memory, for this run alone


def alert(
    run: JudgedRun,
    settings: Settings,
    last_good: LastGood | None,
    *,
    only_changes: bool,
    history_is_away: bool,
    patience: Patience,
) -> list[str]:
    """Take a run in and send what waits; a line for each thing that went wrong."""
    alerting = _Alerting(run, settings, last_good, patience, only_changes=only_changes)
    for place in _places(settings, history_is_away=history_is_away):
        try:
            with closing(opened(place)) as store:
                alerting.note(store, place)
                alerting.send(store)
        except HistoryError as error:
            if alerting.is_noted:
                alerting.troubles.append(f"alerts may be sent again by the next run: {error}")
        if alerting.is_noted:
            break
    return [one_line(alerting.redactor.text(each)) for each in alerting.troubles]


def _places(settings: Settings, *, history_is_away: bool) -> Iterator[str]:
    """Where it may be noted, the best first."""
    history = url_of(settings)
    if history and not history_is_away:
        yield history
    yield f"sqlite:///{_local_file(settings)}"
    yield _NOWHERE


def _local_file(settings: Settings) -> Path:
    return journal.folder(settings.journal) / _FILE


@dataclass
class _Alerting:
    """One run, and what has become of it."""

    run: JudgedRun
    settings: Settings
    last_good: LastGood | None
    patience: Patience
    only_changes: bool
    troubles: list[str] = field(default_factory=list)
    is_noted: bool = False
    redactor: Redactor = field(default_factory=Redactor)
    noted: set[str] = field(default_factory=set)  # the channels that there is something new for

    def __post_init__(self) -> None:
        learn_settings(self.redactor, self.settings)

    def note(self, store: Store, place: str) -> None:
        """Note what the run changes and what is to be told of it, at once or not at all."""
        self._take_over(store, place)
        with store.transaction() as connection:
            before = ledger.held(connection, incidents.key_of(self.run))
            there, tell = incidents.after(
                before, self.run, self.settings, only_changes=self.only_changes
            )
            ledger.keep(connection, there)
            unheard: list[str] = []
            for kind, channels in tell:
                if kind is Kind.RESOLVED:
                    unheard = ledger.end(connection, before.key, channels)
                told = [each for each in channels if hears(each, kind) and each not in unheard]
                ledger.add(connection, self._notice(kind, before, there), told)
                self.noted.update(told)
        self.is_noted = True
        self.troubles += [f"{each} was never told of an incident that is over" for each in unheard]
        if place == _NOWHERE:
            self.troubles.append("alerts cannot be remembered here, and may come again")

    def _take_over(self, store: Store, place: str) -> None:
        """Take in what was noted while the history was away."""
        file = _local_file(self.settings)
        local = f"sqlite:///{file}"
        if place in (local, _NOWHERE):
            return
        try:
            if file.exists():
                with closing(opened(local)) as other:
                    ledger.take_over(store, other)
        except (HistoryError, OSError) as error:
            self.troubles.append(f"alerts of before are not in the history yet: {error}")

    def _notice(self, kind: Kind, before: Incident, there: Incident) -> Notice:
        incident = before if kind is Kind.RESOLVED else there
        around = Circumstances(
            key=incident.key,
            since=moment(incident.opened_ms) if incident.action else "",
            bad_runs=incident.bad_runs,
            version_before=before.version,
        )
        return notice_of(kind, self.run, around, self.settings, self.last_good)

    def send(self, store: Store) -> None:
        """Send what waits of this incident while there is time."""
        channels = self._channels()
        sender = f"{self.run.run_id}-{os.urandom(4).hex()}"
        key = incidents.key_of(self.run)
        ends = monotonic() + self.patience.within_s
        while channels and (left_s := ends - monotonic()) > 0:
            waiting = ledger.take(store, sender, key, list(channels))
            if not waiting:
                return
            outcomes = in_loop(partial(deliver, waiting, channels, left_s))
            _settle(store, sender, waiting, outcomes)
            self.troubles += _in_words(waiting, outcomes, self.redactor)
            for each in waiting:
                if _is_kept(outcomes.get(each.row)):
                    channels.pop(each.channel, None)
                    self.patience.unreached.add(self._address(each.channel))

    def _channels(self) -> dict[str, Channel]:
        """Those that are waited for; of the others it is said that something waits for them."""
        channels = channels_of(self.settings)
        given_up = [each for each in channels if self._address(each) in self.patience.unreached]
        for each in given_up:
            del channels[each]
            if each in self.noted:
                self.troubles.append(
                    f"alerts by {each}: not tried again now; kept for the next run"
                )
        return channels

    def _address(self, channel: str) -> tuple[str, str]:
        return channel, f"{getattr(self.settings, f'alert_{channel}')}"


def _settle(
    store: Store, sender: str, waiting: list[Waiting], outcomes: dict[int, Outcome]
) -> None:
    gone = [row for row, each in outcomes.items() if each.arrived or each.again is Again.NEVER]
    unsent = [
        each.row
        for each in waiting
        if not each.may_be_there and not (each.row in outcomes and outcomes[each.row].is_uncertain)
    ]
    ledger.give_back(store, sender, gone, unsent)


def _in_words(
    waiting: list[Waiting], outcomes: dict[int, Outcome], redactor: Redactor
) -> Iterator[str]:
    """A line for each channel that something did not reach."""
    left = Counter(each.channel for each in waiting if _is_kept(outcomes.get(each.row)))
    for channel in dict.fromkeys(each.channel for each in waiting):
        of_it = [
            outcomes[each.row]
            for each in waiting
            if each.channel == channel and each.row in outcomes
        ]
        told = (as_shown(each.why, redactor) for each in of_it)
        whys = list(filter(None, dict.fromkeys(told)))
        if whys or left[channel]:
            then = (
                f"; {several(left[channel], 'notice')} kept for the next run"
                if left[channel]
                else ""
            )
            yield f"alerts by {channel}: {'; '.join(whys) or 'there was no time'}{then}"


def _is_kept(outcome: Outcome | None) -> bool:
    return outcome is None or not (outcome.arrived or outcome.again is Again.NEVER)
