from __future__ import annotations

from smokegate.reports.page import closing
from smokegate.results import Outcome

from tests.gate.reports import parts, runs


def test_the_rules_are_told_up_to_the_one_that_held() -> None:
    made = closing.decision(runs.monitor())
    assert "Rule share-monitor" in made
    assert "below 50% means rollback, above 80% monitor" in made
    assert made.count('class="holds"') == 1
    assert made.endswith("</ol>")


def test_both_ends_are_told_where_something_is_unknown() -> None:
    unknown = parts.check("health.test_cors_headers", Outcome.UNKNOWN)
    made = closing.decision(parts.judged(unknown))
    assert "every unknown as passed" in made
    assert "One end opens the gate and one closes it: inconclusive." in made


def test_where_no_rule_had_a_say_none_is_told() -> None:
    assert "<ol" not in closing.decision(runs.interrupted())


def test_what_weighs_less_is_told() -> None:
    assert "it depends on a third party, Stripe" in closing.decision(runs.mitigated())


def test_warnings_are_told_with_their_words() -> None:
    made = closing.warnings(runs.proceed())
    assert made.count("<li>") == 2
    assert "header Permissions-Policy is there" in made
    assert "flaky: passed on the second try" in made
    assert closing.warnings(parts.judged()) == ""


def test_what_is_left_is_told_with_what_removes_it() -> None:
    assert "smokegate sweep" in closing.left_behind(runs.interrupted())
    assert closing.left_behind(runs.proceed()) == ""


def test_a_long_list_is_counted() -> None:
    made = closing.listed([f"note {number}" for number in range(100)])
    assert "<li>40 more</li>" in made


def test_settings_and_what_found_no_room_are_told() -> None:
    made = closing.about(runs.proceed(), 3)
    assert "3 pieces of it found no room here." in made
    assert "<dt>strict</dt><dd>False</dd>" in made
    assert "no room" not in closing.about(runs.proceed(), 0)


def test_without_settings_there_is_no_list_of_them() -> None:
    assert "Settings" not in closing.about(parts.judged(settings={}), 0)
