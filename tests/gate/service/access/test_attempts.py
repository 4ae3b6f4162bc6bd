from __future__ import annotations

import pytest
from smokegate.service.access import attempts
from smokegate.service.access.attempts import MOST, WITHIN_S, Attempts

ADDRESS = "192.0.2.1"


def failing(times: int, address: str = ADDRESS) -> Attempts:
    made = Attempts()
    for number in range(times):
        made.failed(address, float(number))
    return made


def test_whoever_fails_too_often_has_to_wait_until_the_first_failure_is_a_minute_ago() -> None:
    assert failing(MOST - 1).wait_s(ADDRESS, 10.0) == 0
    guessed = failing(MOST)
    assert guessed.wait_s(ADDRESS, 10.0) == WITHIN_S - 10.0
    assert guessed.wait_s(ADDRESS, WITHIN_S) == 0
    guessed.failed(ADDRESS, WITHIN_S)
    assert guessed.wait_s(ADDRESS, WITHIN_S) == 1.0, "then the second one is"


def test_others_need_not_wait() -> None:
    assert failing(MOST).wait_s("192.0.2.2", 10.0) == 0


def test_all_addresses_of_one_network_of_ipv6_are_one() -> None:
    guessed = failing(MOST, "2001:db8:0:1::1")
    assert guessed.wait_s("2001:db8:0:1:ffff::2", 10.0) > 0
    assert guessed.wait_s("2001:db8:0:2::1", 10.0) == 0
    assert failing(MOST, "::ffff:192.0.2.1").wait_s("::ffff:192.0.2.2", 10.0) == 0


def test_it_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_REMEMBERED", 3)
    guessed = failing(MOST)
    for number in range(5):
        guessed.failed(f"198.51.100.{number}", 10.0)
    assert len(guessed._failed) == 3
    assert guessed.wait_s(ADDRESS, 10.0) == 0


@pytest.mark.parametrize("address", ["", "a unix socket", "x" * 1_000])
def test_what_is_no_address_is_one_all_the_same(address: str) -> None:
    assert failing(MOST, address).wait_s(address, 10.0) > 0
