from __future__ import annotations

import re

from smokegate.reports.page.entries import Room
from smokegate.reports.page.failures import failures
from smokegate.results import JudgedRun

from tests.gate.reports import parts, runs


def cards(run: JudgedRun, chars: int = 1_000_000) -> list[str]:
    return re.findall(r"<article.*?</article>", failures(run, Room(chars)), re.DOTALL)


def test_a_card_has_what_was_expected_and_seen_and_how_to_go_on() -> None:
    card = cards(runs.rollback())[0]
    order = ["status is 200", "too many connections", "rollback", "look at the readiness", "curl"]
    assert sorted(order, key=lambda each: card.index(each, card.index("</details>"))) == order
    assert "decided the verdict" in card


def test_what_several_checks_share_is_one_card_that_leads_to_each() -> None:
    (card,) = cards(runs.down())
    assert "21 checks: connection refused" in card
    assert card.count('<a href="#') == 21


def test_a_plain_assert_shows_its_traceback() -> None:
    card = next(each for each in cards(runs.rollback()) if "test_lattice_pathfinding" in each)
    assert "assert steps_are_adjacent(path) (line 88)" in card
    assert '<details class="exchange" open><summary>Traceback' in card


def test_a_missing_suite_has_a_card() -> None:
    card = cards(runs.inconclusive())[0]
    assert "The suite workflows is missing" in card
    assert "ImportError" in card


def test_what_weighs_less_says_why() -> None:
    card = cards(runs.mitigated())[0]
    assert "investigate before going on, not a rollback; failed before" in card


def test_without_room_the_rows_stay_and_the_exchange_is_left_out() -> None:
    card = cards(runs.rollback(), chars=0)[0]
    assert "<details" not in card
    assert "too many connections" in card


def test_only_so_many_causes_have_a_card() -> None:
    names = [f"health.test_{number}" for number in range(40)]
    checks = [
        parts.failed(name, parts.exchange(), f"thing {number} is there", "nothing")
        for number, name in enumerate(names)
    ]
    run = parts.judged(*checks, only=names)
    assert len(cards(run)) == 15
    assert "25 more causes, of health.test_" in failures(run, Room(1_000_000))


def test_only_a_command_of_ours_is_set_as_one() -> None:
    asked = parts.exchange()
    check = parts.failed("health.test_cors_headers", asked, "curl x", "curl --evil")
    (card,) = cards(parts.judged(check))
    assert card.count('class="command"') == 1
