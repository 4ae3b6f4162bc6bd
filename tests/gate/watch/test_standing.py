"""What is called a change, and what is not."""

from __future__ import annotations

import pytest
from smokegate.results import Action
from smokegate.watch.rounds import Look, Result
from smokegate.watch.standing import Standing

RAN = frozenset({"health.up", "workflows.flow"})
LIGHT = frozenset({"health.up"})
UP, FLOW = frozenset({"health.up"}), frozenset({"workflows.flow"})
NONE: frozenset[str] = frozenset()
_FAILING = {
    Action.PROCEED: NONE,
    Action.MONITOR: FLOW,
    Action.INVESTIGATE: FLOW,
    Action.ROLLBACK: UP | FLOW,
}


def full(action: Action, version: str = "1") -> Look:
    return Look(full=True, action=action, ran=RAN, failing=_FAILING[action], version=version)


def light(failing: frozenset[str] = NONE, version: str = "1") -> Look:
    action = Action.ROLLBACK if failing else Action.PROCEED
    return Look(full=False, action=action, ran=LIGHT, failing=failing, version=version)


def blind(*, full: bool = False) -> Look:
    return Look(full=full, action=Action.INCONCLUSIVE, blind="no route", is_ours=True)


P, M = full(Action.PROCEED), full(Action.MONITOR)
IN, R = full(Action.INVESTIGATE), full(Action.ROLLBACK)


@pytest.mark.parametrize(
    ("looks", "changes"),
    [
        ([P], []),
        ([M], []),
        ([R], []),
        ([R, R], [R]),
        ([R, IN], [IN]),
        ([R, P], []),
        ([P, R, P, R, P], []),
        ([P, R, R], [R]),
        ([P, R, M], [M]),
        ([P, M, R], [M]),
        ([P, R, R, P, R, R], [R]),
        ([P, R, R, P, P], [R, P]),
        ([P, R, R, P, IN], [R, IN]),
        ([P, IN, IN, R, P, P], [IN, P]),
        ([P, M, M, P, P], [M, P]),
        ([P, light(), light()], []),
        ([P, light(UP), P], []),
        ([P, light(UP), R], [R]),
        ([P, light(UP), M], [M]),
        ([P, light(UP), R, light(UP), light(UP)], [R]),
        ([P, light(UP), R, light(), P], [R, P]),
        ([P, light(UP), R, light(), R], [R]),
        ([P, light(UP), blind(full=True), R], [R]),
        ([P, blind(), blind(), P], []),
        ([P, R, blind(full=True), R], [R]),
        ([P, R, blind(full=True), P], []),
    ],
)
def test_changes(looks: list[Look], changes: list[Look]) -> None:
    standing, found = Standing(), []
    for number, look in enumerate(looks):
        if standing.take(look, float(number)).has_changed:
            found.append(standing.state)
    assert found == [each.action for each in changes]


def test_a_doubtful_look_asks_for_a_full_one_until_it_is_settled() -> None:
    standing = Standing()
    assert standing.wants_full
    standing.take(P, 0)
    assert not standing.wants_full
    standing.take(light(UP), 60)
    assert (standing.wants_full, standing.since_s) == (True, 60)
    standing.take(R, 75)
    assert not standing.wants_full
    standing.take(light(UP), 120)
    assert not standing.wants_full, "it is as it was"
    standing.take(light(), 180)
    assert (standing.wants_full, standing.since_s) == (True, 180)
    standing.take(blind(full=True), 195)
    standing.take(P, 240)
    assert not standing.wants_full


def test_what_is_unknown_is_made_up_for_by_a_full_look() -> None:
    standing = Standing()
    standing.take(P, 0)
    standing.take(blind(full=True), 60)
    assert standing.wants_full
    standing.take(P, 120)
    assert not standing.wants_full


def test_what_light_rounds_say_about_availability() -> None:
    standing = Standing()

    def results(*looks: Look) -> list[Result]:
        return [standing.take(look, 0).result for look in looks]

    good, bad, unknown = Result.GOOD, Result.BAD, Result.UNKNOWN
    assert results(M, light(), light(UP), M, light()) == [good, good, bad, good, good]
    assert results(light(UP), R, light(UP), blind(), light()) == [bad, bad, bad, unknown, good]


def test_what_a_light_round_never_sees_does_not_ask_for_full_ones_for_ever() -> None:
    standing = Standing()
    for look in (P, R, R, light()):  # all that is well for a light round
        standing.take(look, 0)
    assert standing.wants_full
    standing.take(R, 0)
    for _ in range(5):
        assert standing.take(light(), 0).result is Result.BAD
        assert not standing.wants_full


def test_another_version_is_believed_when_it_is_seen_twice() -> None:
    standing = Standing()
    standing.take(P, 0)
    standing.take(light(version="2"), 60)
    assert (standing.wants_full, standing.over) == (True, "")
    standing.take(full(Action.PROCEED, "1"), 75)
    assert (standing.wants_full, standing.over) == (False, "")
    standing.take(full(Action.ROLLBACK, "2"), 120)
    standing.take(full(Action.ROLLBACK, "2"), 135)
    assert (standing.over, standing.state) == ("2", Action.PROCEED)


@pytest.mark.parametrize("served", ["2", "2+build.7"])
def test_before_the_expected_version_is_served_the_old_one_is_a_matter_of_the_verdict(
    served: str,
) -> None:
    standing = Standing(version="2")
    standing.take(full(Action.INVESTIGATE, "1"), 0)
    assert standing.take(full(Action.INVESTIGATE, "1"), 15).has_changed
    standing.take(full(Action.PROCEED, served), 60)
    assert standing.take(full(Action.PROCEED, served), 75).has_changed
    standing.take(full(Action.PROCEED, "1"), 120)
    standing.take(full(Action.PROCEED, "1"), 135)
    assert standing.over == "1"
