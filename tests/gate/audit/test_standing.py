from __future__ import annotations

from smokegate.audit.standing import Standing, standings

from tests.gate.audit import audits


def _of(check: str) -> Standing:
    return next(each for each in standings(audits.audit()) if each.check == check)


def test_a_check_stands_for_what_it_catches_on_purpose() -> None:
    cubes = _of(audits.CUBES)
    assert (cubes.caught, cubes.alone, cubes.accidents) == (2, 1, 1)
    assert (cubes.consequence, cubes.verdict) == ("rollback", "rollback")


def test_its_share_is_of_what_is_caught_at_all() -> None:
    audit = audits.audit()
    assert _of(audits.LOGIN).share == 4 / audit.caught


def test_a_check_that_catches_nothing_stands_for_nothing() -> None:
    idle = _of("health.test_idle")
    assert (idle.caught, idle.share, idle.consequence, idle.verdict) == (0, 0.0, "", "")


def test_what_catches_most_comes_first_and_what_is_left_out_not_at_all() -> None:
    found = standings(audits.audit())
    assert [each.caught for each in found] == sorted((s.caught for s in found), reverse=True)
    assert "health.test_clock_skew" not in [each.check for each in found]
