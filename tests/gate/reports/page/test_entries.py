from __future__ import annotations

from functools import partial

from smokegate.reports.page.entries import Room, check_entry, link, resource_entry
from smokegate.reports.page.markup import Markup
from smokegate.results import CheckResult, JudgedRun, Outcome

from tests.gate.reports import parts, runs


def entry(run: JudgedRun, name: str, *, chars: int = 1_000_000, is_open: bool = False) -> str:
    check = next(each for each in run.everything if each.id == name)
    return check_entry(check, run, Room(chars), is_open=is_open)


def alone(check: CheckResult) -> str:
    return entry(parts.judged(check), check.id)


def test_an_entry_says_how_it_ended_what_it_is_and_how_long_it_took() -> None:
    made = alone(parts.check("health.test_cors_headers"))
    assert made.startswith('<details class="entry passed">')
    for words in (
        'aria-label="passed"',
        "<code>test_cors_headers</code>",
        "Foreign origins get no credentials",
        '<span class="took">20 ms</span>',
        'id="health.test_cors_headers"',
    ):
        assert words in made


def test_an_open_one_is_open() -> None:
    run = runs.rollback()
    made = entry(run, "health.test_database_connection", is_open=True)
    assert made.startswith('<details class="entry failed" open>')


def test_each_try_is_told_with_its_traceback() -> None:
    made = entry(runs.rollback(), "workflows.test_lattice_pathfinding_flow")
    assert "First try: failed" in made
    assert "Second try: failed" in made
    assert made.count("AssertionError") == 2
    assert "failed twice" in made


def test_what_a_check_printed_is_there() -> None:
    made = entry(runs.proceed(), "workflows.test_bulk_operations_flow")
    assert "Output" in made
    assert "5 made" in made
    assert "flaky" in made


def test_a_blocked_one_leads_to_what_it_waited_for() -> None:
    made = entry(runs.rollback(), "workflows.test_usage_tracking_flow")
    assert '<a href="#resource.account">account</a>' in made
    assert "could not connect to server" in made


def test_a_skipped_one_says_why() -> None:
    assert "Redis is not configured" in entry(runs.proceed(), "health.test_redis_connection")


def test_who_answers_for_it_and_what_there_is_to_remark() -> None:
    made = alone(parts.check("health.test_cors_headers", owner="Stripe", remarks=["<odd>"]))
    assert "a third party, Stripe" in made
    assert "&lt;odd&gt;" in made


def test_a_resource_says_who_needs_it() -> None:
    (account,) = runs.rollback().resources
    made = resource_entry(account, Room(1_000_000), is_open=True)
    assert 'id="resource.account"' in made
    assert "needed by 10 checks" in made
    assert "could not connect to server" in made


def test_a_link_leads_to_its_entry() -> None:
    check = parts.check("health.test_cors_headers")
    assert link(check) == '<a href="#health.test_cors_headers">health.test_cors_headers</a>'


def test_without_room_the_line_stays_and_the_evidence_is_left_out() -> None:
    made = entry(runs.rollback(), "health.test_database_connection", chars=100)
    assert "test_database_connection" in made
    assert "found no room" in made
    assert "too many connections" not in made


def test_a_room_takes_what_fits_and_counts_what_does_not() -> None:
    room, piece = Room(40_000), Markup("x" * 15_000)
    taken = [room.fill(lambda: piece) for _ in range(4)]
    assert taken == [piece, piece, None, None]
    assert room.left_out == 2


def test_what_does_not_fit_is_not_made_over_and_over() -> None:
    made: list[int] = []
    room = Room(800_000)
    for number in range(1_000):
        room.fill(partial(_too_much, made, number))
    assert room.left_out == 1_000
    assert len(made) < 10


def _too_much(made: list[int], number: int) -> Markup:
    made.append(number)
    return Markup("x" * 900_000)


def test_a_check_without_anything_to_say_has_an_empty_entry() -> None:
    check = parts.check("health.test_cors_headers", Outcome.PASSED, attempts=[])
    assert "found no room" not in alone(check)
