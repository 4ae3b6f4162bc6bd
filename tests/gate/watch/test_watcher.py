"""Whole watches in virtual time: the real schedule, state machine, publication and report."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from smokegate.results import Action
from smokegate.watch.command import exit_code
from smokegate.watch.conclusion import Ending
from smokegate.watch.rounds import Result
from smokegate.watch.schedule import Schedule

from tests.gate.watch.acting import DOWN, FLOW_FAILS, GOOD, MONITOR, NO_NETWORK, TWO_HOURS, acted

OUTAGE = (3_590.0, 4_190.0)
SHORT = Schedule(1_200.0, 60.0, 10)


def in_the_middle(at_s: float) -> str:
    """Ten minutes of an outage."""
    return DOWN if OUTAGE[0] <= at_s < OUTAGE[1] else GOOD


def test_two_hours_with_an_outage_in_the_middle(tmp_path: Path) -> None:
    done = acted(tmp_path, in_the_middle, to_the_end=True)
    assert done.changes == [(3_619.0, "rollback"), (4_219.0, "proceed")]
    assert [change.since_s for change in done.watched.changes] == [3_600.0, 4_200.0]
    assert (done.conclusion.action, done.conclusion.ending) == (
        Action.INVESTIGATE,
        Ending.COMPLETE,
    )
    slots = [each for each in done.watched.rounds if not each.again]
    assert [each.at_s for each in slots] == [60.0 * slot for slot in range(121)], "nothing drifts"
    assert [each.slot for each in slots if each.result is Result.BAD] == list(range(60, 70))
    full = [each.slot for each in slots if each.full]
    assert full == list(range(0, 121, 10))
    assert [each.at_s for each in done.watched.rounds if each.again] == [3_617.0, 4_217.0]
    assert len(done.published) == 3, "each change, and the last"
    assert not done.watched.flapped, "what was confirmed was told as that"


def test_the_report_says_all_of_it(tmp_path: Path) -> None:
    text = acted(tmp_path, in_the_middle, to_the_end=True).text
    lines = text.splitlines()
    at = lines.index(
        "INVESTIGATE: it recovered, but stood at rollback before: health.up: connection refused"
    )
    table, facts = lines[at - 5 : at - 1], lines[at + 1 :]
    assert [line.split()[:4] for line in table[1:]] == [
        ["00:00:00", "00:59:00", "60", "✓"],
        ["01:00:00", "01:09:00", "11", "✗"],
        ["01:10:00", "02:00:00", "52", "✓"],
    ]
    assert "available  111 of 121 rounds good, 91.74% (95%: 85.3% to 96.0%); objective" in text
    assert "its error budget is used up 16.5 times" in " ".join(text.split())
    assert "  change     01:00:19 proceed → rollback: health.up: connection refused" in facts
    assert "01:00:00  ✗   61/121  full   rollback: health.up: connection refused" in lines
    assert "01:00:17  ✗    again  full   rollback: health.up: connection refused" in lines


def test_a_confirmed_rollback_ends_it(tmp_path: Path) -> None:
    done = acted(tmp_path, in_the_middle)
    assert (done.conclusion.action, done.conclusion.ending) == (Action.ROLLBACK, Ending.ROLLBACK)
    assert done.watched.rounds[-1].at_s == 3_617.0
    assert len(done.published) == 1


def test_the_history_has_the_rounds_that_decided(tmp_path: Path) -> None:
    file = tmp_path / "history.db"
    history = f"sqlite:///{file}"
    acted(tmp_path, in_the_middle, to_the_end=True, history=history)
    with closing(sqlite3.connect(file)) as database:
        kept = list(database.execute("SELECT run_id, action, partial FROM runs ORDER BY id"))
    assert kept == [
        ("run-3617", "rollback", 0),
        ("run-4217", "proceed", 0),
        ("run-7200", "proceed", 0),
    ]


def test_a_blip_is_no_change(tmp_path: Path) -> None:
    done = acted(tmp_path, lambda at_s: DOWN if 650 <= at_s < 665 else GOOD)
    assert done.changes == []
    assert done.conclusion.action is Action.PROCEED
    assert [(each.at_s, each.full) for each in done.watched.rounds if each.again] == [(677.0, True)]


def test_one_that_is_down_from_the_beginning_is_looked_at_twice(tmp_path: Path) -> None:
    done = acted(tmp_path, lambda _: DOWN)
    assert done.script.looks == [(0.0, True), (17.0, True)]
    assert [change.before for change in done.watched.changes] == [None]
    assert done.conclusion.action is Action.ROLLBACK


def test_what_only_full_rounds_see_is_confirmed_by_full_rounds(tmp_path: Path) -> None:
    done = acted(tmp_path, lambda at_s: FLOW_FAILS if at_s > 300 else GOOD, schedule=SHORT)
    assert done.script.looks[-2:] == [(600.0, True), (617.0, True)]
    assert done.changes == [(619.0, "rollback")]


def test_monitor_is_a_change_and_keeps_the_gate_open(tmp_path: Path) -> None:
    done = acted(tmp_path, lambda at_s: MONITOR if at_s > 300 else GOOD, schedule=SHORT)
    assert done.changes == [(619.0, "monitor")]
    assert done.conclusion.action is Action.MONITOR
    codes = [exit_code(done.conclusion.action, strict=strict) for strict in (False, True)]
    assert codes == [0, 5]


def test_our_own_network_pauses_it(tmp_path: Path) -> None:
    def lost(at_s: float) -> str:
        return NO_NETWORK if 590 <= at_s < 890 else GOOD

    done = acted(tmp_path, lost, schedule=SHORT)
    assert done.changes == []
    assert done.conclusion.action is Action.PROCEED
    assert done.watched.budget is not None
    assert (done.watched.budget.unknown, done.watched.budget.availability) == (5, 1.0)
    paused = "00:10:00 ? 11/21 full paused, our own network: health.up: no route (and 1 more)"
    assert paused in " ".join(done.text.split())
    assert (900.0, True) in done.script.looks, "the full round is made up for"


def test_without_answers_there_is_no_verdict(tmp_path: Path) -> None:
    done = acted(tmp_path, lambda at_s: NO_NETWORK if at_s >= 300 else GOOD, schedule=SHORT)
    assert done.conclusion.action is Action.INCONCLUSIVE
    mostly = acted(
        tmp_path, lambda at_s: NO_NETWORK if 60 <= at_s < 1_100 else GOOD, schedule=SHORT
    )
    assert mostly.conclusion.reason == "18 of 21 rounds have no answer"


def test_what_takes_longer_than_a_slot_skips_and_says_so(tmp_path: Path) -> None:
    done = acted(tmp_path, schedule=SHORT, took_s=lambda at_s: 130.0 if 290 <= at_s < 310 else 2.0)
    assert [each.skipped for each in done.watched.rounds if each.skipped] == [2]
    assert "2 slots skipped: the round before took too long" in done.text
    slots = [each.slot for each in done.watched.rounds]
    assert slots == [0, 1, 2, 3, 4, 5, *range(8, 21)]


def test_another_version_ends_the_watch_of_this_one(tmp_path: Path) -> None:
    done = acted(tmp_path, version=lambda at_s: "1.1.0" if at_s > 650 else "1.0.0")
    assert (done.conclusion.action, done.conclusion.ending) == (
        Action.INCONCLUSIVE,
        Ending.VERSION,
    )
    assert "version 1.1.0 is served now, and 1.0.0 was watched" in done.conclusion.reason
    assert done.script.looks[-2:] == [(660.0, False), (677.0, True)]


def test_failures_that_nobody_confirms_burn_the_budget(tmp_path: Path) -> None:
    """Every fifth light round fails, and passes when it is looked at again."""
    done = acted(tmp_path, lambda at_s: DOWN if at_s % 300 == 180 else GOOD)
    assert done.changes == []
    assert done.watched.flapped
    assert done.conclusion.action is Action.INVESTIGATE
    assert "now and then" in done.conclusion.reason
    rare = acted(tmp_path, lambda at_s: DOWN if at_s in (180, 3_780) else GOOD)
    assert not rare.watched.flapped
    assert rare.conclusion.action is Action.PROCEED


def test_a_finished_watch_is_not_gone_on_with(tmp_path: Path) -> None:
    acted(tmp_path, schedule=SHORT)
    again = acted(tmp_path, schedule=SHORT, begin_s=1_250.0)
    assert again.script.looks[0] == (1_250.0, True)


def test_a_signal_ends_it_without_a_verdict_and_it_can_be_gone_on_with(tmp_path: Path) -> None:
    cut = acted(tmp_path, in_the_middle, stop_at_s=3_620.0, to_the_end=True)
    assert (cut.conclusion.action, cut.conclusion.ending) == (
        Action.INCONCLUSIVE,
        Ending.INTERRUPTED,
    )
    assert cut.conclusion.reason == "the watch was interrupted; so far it stood at rollback"
    rest = acted(tmp_path, in_the_middle, begin_s=3_800.0, to_the_end=True)
    assert rest.script.looks[0] == (3_840.0, False), "no second first round"
    assert rest.changes == [(3_619.0, "rollback"), (4_219.0, "proceed")]
    assert "3 slots skipped: nobody watched" in rest.text
    assert len(rest.published) == 3


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"schedule": SHORT}, "it had other options"),
        ({"objective": 90.0}, "it had other options"),
        ({"begin_s": 8_000.0}, "its time is over"),
        ({"begin_s": -3_600.0}, "the clock was set back since"),
    ],
)
def test_what_is_another_watch_begins_anew(
    tmp_path: Path, changes: dict[str, object], why: str
) -> None:
    acted(tmp_path, stop_at_s=100.0)
    again = acted(tmp_path, **{"begin_s": 200.0, **changes})  # type: ignore[arg-type]
    assert f"is not gone on with: {why}." in again.text
    assert again.script.looks[0][1], "its first round is a full one"


def test_a_version_that_was_deployed_while_nobody_watched_is_watched_anew(tmp_path: Path) -> None:
    acted(tmp_path, stop_at_s=100.0)
    again = acted(tmp_path, begin_s=200.0, version=lambda _: "2.0.0")
    assert "another version than the one watched: a new watch begins" in again.text
    assert again.watched.standing.version == "2.0.0"
    assert again.conclusion.action is Action.PROCEED
    assert again.watched.started_s > 1_767_225_600 + 200


def test_each_deployment_has_a_watch_of_its_own(tmp_path: Path) -> None:
    acted(tmp_path, stop_at_s=100.0, expect_version="1.0.0")
    other = acted(
        tmp_path, begin_s=200.0, expect_version="2.0.0", version=lambda _: "2.0.0", schedule=SHORT
    )
    assert other.script.looks[0] == (200.0, True)
    same = acted(tmp_path, begin_s=200.0, expect_version="1.0.0")
    assert same.script.looks[0] == (240.0, False)


@settings(max_examples=6, phases=[Phase.explicit, Phase.generate])  # shrinking takes minutes
@given(
    st.lists(st.integers(1, 1_199), min_size=1, max_size=4, unique=True),
    st.integers(1, 900),
    st.integers(70, 400),
)
@example([670], 650, 300)  # between a doubtful look and the second one
def test_restarts_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, stops: list[int], down_s: int, for_s: int
) -> None:
    """Wherever it is cut short and at once gone on with, it comes to the same."""

    def at(at_s: float) -> str:
        return DOWN if down_s <= at_s < down_s + for_s else GOOD

    folder = tmp_path_factory.mktemp("watch")
    whole = acted(folder, at, schedule=SHORT, to_the_end=True)
    rmtree(folder)
    last = 0.0
    for stop in [*sorted(stops), float("inf")]:
        part = acted(
            folder, at, schedule=SHORT, to_the_end=True, begin_s=last, stop_at_s=float(stop)
        )
        last = part.script.clock.passed_s
    assert part.changes == whole.changes
    assert part.conclusion == whole.conclusion
    assert part.watched.budget == whole.watched.budget
    assert part.published == whole.published
    rmtree(folder)


def test_nothing_that_cannot_be_written_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "journal").write_text("not a folder")
    done = acted(tmp_path, schedule=Schedule(60.0, 60.0, 10))
    assert done.conclusion.action is Action.PROCEED
    assert "was not written: Not a directory" in capsys.readouterr().err


def test_a_state_that_cannot_be_read_is_no_state(tmp_path: Path) -> None:
    acted(tmp_path, stop_at_s=100.0)
    (file,) = (tmp_path / "journal/watches").glob("*.json")
    file.write_bytes(b'{"schema": 1, "rounds": [' + file.read_bytes())
    assert acted(tmp_path, begin_s=130.0).script.looks[0] == (130.0, True)


assert TWO_HOURS.last == 120
