"""Whose trouble it is: every kind, from every place, with whatever controls say."""

from __future__ import annotations

from itertools import product

import pytest
from smokegate.client.control import ANSWERS, Control
from smokegate.client.trouble import RUNNER, TARGET, UNDECIDED, WORDS
from smokegate.client.whose import AMBIGUOUS, Place, Says, describe, side_of, what_they_say
from smokegate.results import Side


def control(result: str, address: str = "192.0.2.80:443") -> Control:
    return Control(address, result)


NAMED = "control.example:443"
# What differs from the side in the table, by kind: let in or not, and what the controls say.
DIFFERS = {
    **{(kind, lets_in, Says.SAME): RUNNER for kind in AMBIGUOUS for lets_in in (False, True)},
    ("connect_timeout", True, Says.NOTHING): TARGET,
    ("connect_timeout", True, Says.WORKS): TARGET,
    ("unreachable", True, Says.WORKS): TARGET,
    ("resolver", False, Says.WORKS): TARGET,
    ("resolver", True, Says.WORKS): TARGET,
}


@pytest.mark.parametrize(("kind", "lets_in", "says"), [*product(WORDS, (False, True), Says)])
def test_whose_trouble_it_is(kind: str, lets_in: bool, says: Says) -> None:
    expected = DIFFERS.get((kind, lets_in, says), WORDS[kind].side)
    assert side_of(kind, lets_in=lets_in, says=says) is expected


RESULTS = [ANSWERS, "refused", "connect_timeout", "unreachable", "name_missing", "resolver"]


@pytest.mark.parametrize(
    ("kind", "first", "second"), [*product(sorted(AMBIGUOUS), RESULTS, RESULTS)]
)
def test_what_two_controls_say(kind: str, first: str, second: str) -> None:
    says, address = what_they_say(kind, (control(first, "one:1"), control(second, "two:2")))
    results = {"one:1": first, "two:2": second}
    if kind in ("name_missing", "resolver"):
        fine = {each for each in RESULTS if each not in ("name_missing", "resolver")}
        alike = {"name_missing", "resolver"}
    else:
        fine, alike = {ANSWERS}, {kind}
    if fine & {*results.values()}:
        assert says is Says.WORKS
        assert results[address] in fine
    elif alike & {*results.values()}:
        assert says is Says.SAME
        assert results[address] in alike
    else:
        assert (says, address) == (Says.NOTHING, "")


@pytest.mark.parametrize("kind", ["name_missing", "resolver"])
def test_an_address_says_nothing_about_names(kind: str) -> None:
    for address in ("192.0.2.80:443", "[2001:db8::80]:443"):
        assert what_they_say(kind, (control(ANSWERS, address),)) == (Says.NOTHING, "")


@pytest.mark.parametrize("kind", sorted(WORDS.keys() - AMBIGUOUS))
def test_of_what_is_not_ambiguous_controls_say_nothing(kind: str) -> None:
    for result in (ANSWERS, kind):
        assert what_they_say(kind, (control(result, NAMED),))[0] is Says.NOTHING


@pytest.mark.parametrize(
    ("kind", "result", "side", "words"),
    [
        ("refused", ANSWERS, TARGET, "; the control address {} answers, so this runner's network"),
        ("refused", "refused", RUNNER, "; the control address {} fails in the same way"),
        ("connect_timeout", ANSWERS, UNDECIDED, "; the control address {} answers, so"),
        ("name_missing", "refused", TARGET, "; the name of the control address {} resolves"),
        ("name_missing", "resolver", RUNNER, "; the name of the control address {} does not"),
    ],
)
def test_what_a_control_says_is_said(kind: str, result: str, side: Side, words: str) -> None:
    trouble = describe(kind, "the detail", Place(controls=(control(result, NAMED),)))
    assert trouble.side is side
    assert words.format(NAMED) in trouble.summary


def test_without_a_control_that_says_anything_the_words_are_plain() -> None:
    for controls in ((), (control("unreachable"),)):
        trouble = describe("refused", "connection refused", Place(controls=controls))
        assert (trouble.side, trouble.summary) == (TARGET, "connection refused")


def test_only_who_was_never_let_in_is_told_so() -> None:
    never = "this runner may never have been let in"
    assert never in describe("connect_timeout", "").causes
    assert never not in describe("connect_timeout", "", Place(lets_in=True)).causes


def test_what_rolling_back_cannot_cure() -> None:
    incurable = {kind for kind in WORDS if describe(kind, "").incurable}
    assert incurable == {"certificate_expired", "certificate_not_yet_valid", "name_missing"}
    others_resolve = Place(controls=(control(ANSWERS, NAMED),))
    assert describe("resolver", "", others_resolve).incurable
    assert not describe("name_missing", "", Place(controls=(control("resolver", NAMED),))).incurable
