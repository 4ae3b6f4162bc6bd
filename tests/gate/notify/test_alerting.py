"""Runs and who is told of them, on each kind of database and with real channels."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from smokegate.history.tables import incidents, notices
from smokegate.notify import Patience, ledger, notify
from smokegate.notify.incidents import after, key_of
from smokegate.settings import Settings
from sqlalchemy import select, text, update

from tests.gate.history.runs import failing, run
from tests.gate.notify.others import HOOK, ROUTING_KEY, SECRET, Answer, Others

AWAY = "postgresql://somebody:hunter22@127.0.0.1:1/history"
EVERYWHERE = ("alert_slack", "alert_pagerduty", "alert_webhook")
DOWN = [Answer(503, "busy", (("Retry-After", "60"),))]


@pytest.fixture
def here(told: Others, url: str, tmp_path: Path) -> Settings:
    """Settings with channels and a history that are there."""
    return told.settings(history=url, journal=str(tmp_path / "journal"))


@pytest.fixture
def near(told: Others, tmp_path: Path) -> Settings:
    """The same, with a history that is a file."""
    history = f"sqlite:///{tmp_path / 'history.db'}"
    return told.settings(history=history, journal=str(tmp_path / "journal"))


@pytest.fixture
def alone(told: Others, tmp_path: Path) -> Settings:
    """The same, on a file beside the journal."""
    return told.settings(history="none", journal=str(tmp_path / "journal"))


def changed(settings: Settings, **changes: Any) -> Settings:
    return Settings(**{key: getattr(settings, key) for key in Settings.__struct_fields__} | changes)


def only(channel: str, settings: Settings) -> Settings:
    return changed(settings, **{key: "" for key in EVERYWHERE if key != f"alert_{channel}"})


def kept(settings: Settings) -> list[tuple[str, str]]:
    """What waits: kinds and channels, in order."""
    there = settings.history
    if there == "none":
        there = f"sqlite:///{settings.journal}/alerts.db"
    with closing(opened(there)) as store, store.reading() as connection:
        found = connection.execute(select(notices.c.kind, notices.c.channel).order_by(notices.c.id))
        return [(row.kind, row.channel) for row in found]


def time_passes(settings: Settings) -> None:
    """Let pass what a process that died had taken for itself."""
    with closing(opened(settings.history)) as store, store.transaction() as connection:
        connection.execute(update(incidents).values(sends_until_ms=0))


def test_forty_failing_runs_are_one_trigger_and_one_resolve(told: Others, here: Settings) -> None:
    troubles = [notify(run(0), here)]
    troubles += [notify(failing(number, minutes=number), here) for number in range(1, 41)]
    troubles += [notify(run(number, minutes=number), here) for number in (41, 42)]
    assert not any(troubles), troubles
    assert told.actions == ["trigger", "resolve"]
    assert told.types == ["incident.opened", "incident.resolved"]
    assert [each.split(": ")[:2] for each in told.titles] == [
        ["✗ https://api.example.com (production)", "ROLLBACK"],
        ["✓ https://api.example.com (production)", "Resolved, PROCEED"],
    ]
    (trigger, resolve) = told.pagerduty
    assert trigger["dedup_key"] == resolve["dedup_key"] == told.webhooks[0]["data"]["key"]
    assert told.webhooks[1]["data"]["bad_runs"] == 40
    assert told.webhooks[1]["data"]["since"] == "2026-01-01T00:01:02Z"
    assert kept(here) == []


@pytest.mark.parametrize("part", [{"partial": True}, {"interrupted": "SIGTERM"}])
def test_a_part_of_the_checks_tells_nothing(
    told: Others, alone: Settings, part: dict[str, Any]
) -> None:
    assert notify(failing(1, **part), alone) == []
    notify(failing(2), alone)
    assert notify(run(3, **part), alone) == []
    assert told.actions == ["trigger"]


def test_two_runners_at_once_send_one_trigger(told: Others, here: Settings) -> None:
    notify(run(0), here)  # the schema is there
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda number: notify(failing(number), here), range(1, 9)))
    assert not any(said), said
    assert told.actions == ["trigger"]
    assert len(told.slack) == len(told.webhooks) == 1
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda number: notify(run(number), here), range(9, 17)))
    assert not any(said), said
    assert told.actions == ["trigger", "resolve"]
    assert len(told.slack) == len(told.webhooks) == 2


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_who_comes_second_waits_for_the_first(told: Others, here: Settings) -> None:
    notify(run(0), here)
    with closing(opened(here.history)) as store, ThreadPoolExecutor(1) as pool:
        with store.transaction() as connection:
            before = ledger.held(connection, key_of(failing(1)))
            second = pool.submit(notify, failing(2), here)
            while not second.done() and not waits_for_a_lock(store):
                pass  # it reads what is not yet changed, or waits
            there, _ = after(before, failing(1), here)
            ledger.keep(connection, there)
        assert second.result() == []
    assert told.actions == [], "the first one tells it"


def waits_for_a_lock(store: Store) -> bool:
    with store.reading() as connection:
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(connection.execute(waiting).scalar())


def test_what_cannot_be_sent_waits_and_is_sent_by_the_next_run(
    told: Others, near: Settings
) -> None:
    told.answers = {HOOK: list(DOWN), "/v2/enqueue": [Answer(403, "who?")]}
    said = notify(failing(1), near)
    assert said == [
        "alerts by slack: status 503: busy; 1 notice kept for the next run",
        "alerts by pagerduty: status 403: who?; 1 notice kept for the next run",
    ]
    assert kept(near) == [("opened", "slack"), ("opened", "pagerduty")]
    assert told.types == ["incident.opened"], "one that is down is no harm to the others"
    assert notify(failing(2), near) == []
    assert told.actions == ["trigger"]
    assert len(told.slack) == 1
    assert kept(near) == []


def test_within_a_run_it_is_tried_again_as_the_other_side_asks(
    told: Others, alone: Settings
) -> None:
    busy = [Answer(429, "", (("Retry-After", "1"),)), Answer(500), Answer(0)]
    told.answers = {HOOK: list(busy[:1]), "/v2/enqueue": busy[1:2], "/hook": busy[2:]}
    assert notify(failing(1), alone) == []
    assert (len(told.slack), told.actions, told.types) == (1, ["trigger"], ["incident.opened"])
    assert sorted(told.requests) == sorted([HOOK, "/v2/enqueue", "/hook"] * 2)


def test_what_is_refused_is_not_sent_again(told: Others, alone: Settings) -> None:
    told.answers = {"/v2/enqueue": [Answer(400, "'routing_key' is invalid")]}
    said = notify(failing(1), only("pagerduty", alone))
    assert said == ["alerts by pagerduty: status 400: 'routing_key' is invalid"]
    assert notify(failing(2), only("pagerduty", alone)) == []
    assert told.requests == ["/v2/enqueue"]


def test_what_began_and_ended_unheard_is_not_told_late(told: Others, near: Settings) -> None:
    told.answers = {HOOK: [Answer(404)] * 2}
    by_slack = only("slack", near)
    notify(failing(1), by_slack)
    said = notify(run(2), by_slack)
    assert said == ["slack was never told of an incident that is over"]
    assert (told.slack, kept(near)) == ([], [])
    notify(failing(3), by_slack)
    assert len(told.slack) == 0
    assert notify(failing(4), by_slack) == []
    assert len(told.slack) == 1, "the next one is told as ever"


def test_what_may_have_been_heard_is_ended(told: Others, near: Settings) -> None:
    """The alert was taken, but nobody knows: it must not stay open."""
    told.answers = {"/v2/enqueue": [Answer(502), *DOWN]}
    by_pager = only("pagerduty", near)
    assert "status 503" in notify(failing(1), by_pager)[0]
    assert notify(run(2), by_pager) == []
    assert told.actions == ["resolve"]


def test_in_order_even_if_the_first_waits(told: Others, near: Settings) -> None:
    told.answers = {"/v2/enqueue": list(DOWN)}
    by_pager = only("pagerduty", near)
    for number, each in enumerate((run, failing, run, failing)):
        notify(each(number, version=f"{number}"), by_pager)
    assert told.actions == ["resolve", "trigger"]
    assert [each["payload"]["summary"].partition(". ")[0] for each in told.changes] == [
        f"https://api.example.com (production): version {number} after {number - 1}"
        for number in (1, 2, 3)
    ]


def test_a_channel_that_another_runner_told_hears_of_the_end(told: Others, near: Settings) -> None:
    notify(failing(1), near)
    assert notify(run(2), only("slack", near)) == []
    assert (len(told.slack), told.actions) == (2, ["trigger"])
    assert notify(run(3), near) == []
    assert (len(told.slack), told.actions) == (2, ["trigger", "resolve"])


_KILLED = """
import sys
from smokegate import settings
from smokegate.notify import notify
from tests.gate.history.runs import failing, run
configured = settings.from_sources({
    name: settings.Sourced(value, name)
    for name, value in (each.split("=", 1) for each in sys.argv[2:])
})
notify({"failing": failing, "run": run}[sys.argv[1]](int(sys.argv[1] == "run") + 1), configured)
"""


def killed_while_it_sends(told: Others, settings: Settings, made: str) -> None:
    """Run `notify` in a process that is killed as soon as Slack hears of it."""
    names = ("history", "journal", "alert_slack")
    given = [f"{name}={getattr(settings, name)}" for name in names]
    process = subprocess.Popen([sys.executable, "-c", _KILLED, made, *given])
    told.heard = lambda _: process.kill()
    try:
        assert process.wait() == -9
    finally:
        told.heard = lambda _: None
        process.kill()


def test_one_that_is_killed_in_the_middle_loses_nothing(told: Others, here: Settings) -> None:
    """What was being sent comes again: Slack knows no duplicates, what has keys does."""
    by_slack = only("slack", here)
    killed_while_it_sends(told, by_slack, "failing")
    assert kept(here) == [("opened", "slack")]
    notify(failing(2), by_slack)
    assert kept(here) == [("opened", "slack")], "it may be sending still"
    time_passes(here)
    assert notify(failing(3), by_slack) == []
    assert kept(here) == []
    assert all("Still" not in each and "ROLLBACK" in each for each in told.titles)
    killed_while_it_sends(told, by_slack, "run")
    time_passes(here)
    told.slack.clear()
    assert notify(run(5), by_slack) == []
    assert ["Resolved" in each for each in told.titles] == [True]


def test_what_was_being_sent_when_its_runner_died_is_ended(told: Others, near: Settings) -> None:
    by_slack = only("slack", near)
    killed_while_it_sends(told, by_slack, "failing")
    time_passes(near)
    told.slack.clear()
    assert notify(run(2), by_slack) == []
    assert ["Resolved" in each for each in told.titles] == [True]
    assert kept(near) == []


def test_while_the_history_is_away_a_file_remembers_and_goes_into_it_later(
    told: Others, here: Settings
) -> None:
    away = changed(here, history=AWAY)
    for number in 1, 2:
        assert notify(failing(number), away) == []
    assert told.actions == ["trigger"]
    assert notify(failing(3), here) == []
    assert told.actions == ["trigger"], "the history knows now"
    assert notify(run(4), away) == [], "the file does not know it any more"
    assert notify(run(5), here) == []
    assert told.actions == ["trigger", "resolve"]


def test_what_waits_goes_into_the_history_too(told: Others, near: Settings) -> None:
    told.answers = {HOOK: [Answer(404)]}
    notify(failing(1), only("slack", changed(near, history=AWAY)))
    assert kept(near) == []
    notify(failing(2), only("slack", near), history_is_away=True)
    assert len(told.slack) == 1, "by the file, as the history was away"
    told.answers = {HOOK: [Answer(404)]}
    notify(run(3), only("slack", near))
    assert kept(near) == [("resolved", "slack")]


def test_where_nothing_can_be_written_alerts_are_sent_all_the_same(
    told: Others, near: Settings
) -> None:
    Path(near.journal).write_text("in the way")
    lost = changed(near, history=AWAY)
    for number in 1, 2:
        said = notify(failing(number), lost)
        assert said == ["alerts cannot be remembered here, and may come again"]
    assert told.actions == ["trigger", "trigger"]
    assert told.pagerduty[0]["dedup_key"] == told.pagerduty[1]["dedup_key"]


def test_a_file_that_is_broken_keeps_nothing_from_the_history(told: Others, near: Settings) -> None:
    Path(near.journal).mkdir()
    (Path(near.journal) / "alerts.db").write_bytes(b"somebody's notes " * 500)
    (said,) = notify(failing(1), near)
    assert said.startswith("alerts of before are not in the history yet: ")
    assert told.actions == ["trigger"]


def test_no_secret_is_kept_or_said(told: Others, alone: Settings) -> None:
    told.answers = {
        HOOK: [Answer(404, f"no such {HOOK} at {alone.alert_slack}")],
        "/v2/enqueue": [Answer(401, f"{ROUTING_KEY} is unknown")],
        "/hook": [Answer(401, f"signed with {SECRET}")],
    }
    said = notify(failing(1), alone)
    assert [each.partition(": status")[0] for each in said] == [
        *("alerts by slack", "alerts by pagerduty", "alerts by webhook")
    ]
    file = Path(alone.journal) / "alerts.db"
    with closing(sqlite3.connect(file)) as connection:
        there = "\n".join(connection.iterdump())
    assert "opened" in there
    for secret in (HOOK, ROUTING_KEY, SECRET, alone.alert_slack):
        assert secret not in there
        assert secret not in "".join(said)
    assert "Gehe1mnis" not in there + "".join(said)


def test_no_half_of_a_secret_is_left_where_a_reply_is_cut(told: Others, alone: Settings) -> None:
    by_slack = only("slack", alone)
    told.answers = {
        HOOK: [Answer(404, f"{'x' * room} {by_slack.alert_slack}") for room in range(120, 200, 10)]
    }
    said = [notify(failing(number), by_slack) for number in range(1, 9)]
    assert all("404" in each[0] for each in said)
    assert "T00000000" not in f"{said}"


def test_those_that_hang_are_left_in_time(told: Others, alone: Settings) -> None:
    told.hung = {HOOK, "/v2/enqueue", "/hook"}
    said = notify(failing(1), alone, patience=Patience(within_s=0.3))
    assert [each.rpartition(": ")[2] for each in said] == [
        "connected, then no answer; 1 notice kept for the next run"
    ] * 3
    assert len(kept(alone)) == 3


def test_runs_of_one_process_try_a_channel_that_was_not_reached_no_more(
    told: Others, alone: Settings
) -> None:
    told.answers = {HOOK: [Answer(404)]}
    by_two, shared = changed(alone, alert_pagerduty=""), Patience()
    notify(failing(1), by_two, patience=shared)
    other = failing(2, target="https://b.example.com")
    assert notify(other, by_two, patience=shared) == [
        "alerts by slack: not tried again now; kept for the next run"
    ]
    assert (told.requests.count(HOOK), len(told.webhooks)) == (1, 2)
    assert kept(by_two) == [("opened", "slack")] * 2


def test_what_waits_for_one_target_is_not_sent_by_the_channels_of_another(
    told: Others, near: Settings
) -> None:
    told.answers = {"/v2/enqueue": list(DOWN)}
    by_pager = only("pagerduty", near)
    notify(failing(1), by_pager)
    assert notify(failing(2, target="https://b.example.com"), by_pager) == []
    assert [each["payload"]["source"] for each in told.pagerduty] == ["https://b.example.com"]
    assert notify(failing(3), by_pager) == []
    assert told.actions == ["trigger"] * 2


def test_what_was_taken_by_a_clock_that_is_ahead_is_sent(told: Others, near: Settings) -> None:
    by_pager = only("pagerduty", near)
    told.answers = {"/v2/enqueue": list(DOWN)}
    notify(failing(1), by_pager)
    with closing(opened(near.history)) as store, store.transaction() as connection:
        connection.execute(update(incidents).values(sender="x", sends_until_ms=4_000_000_000_000))
    assert notify(failing(2), by_pager) == []
    assert told.actions == ["trigger"]


def test_a_run_without_channels_imports_nothing_of_it() -> None:
    code = """
import io, sys
from pathlib import Path
import smokegate.cli
from smokegate.publication import Publication
from smokegate.settings import Settings
from tests.gate.history.runs import failing
Publication(failing(), Settings(history="none", results=sys.argv[1]), io.StringIO()).publish()
print(*(each for each in sys.modules if each.startswith("smokegate.notify.")))
print(*({"smtplib", "email.message"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "/nonexistent"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "smokegate.notify.arguments\n\n"
