from __future__ import annotations

import pytest
from smokegate.reports.advice import advice
from smokegate.reports.causes import cause_of

from tests.gate.reports import parts, runs


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 504])
def test_an_unexpected_status_has_likely_causes_and_a_next_step(status: int) -> None:
    check = parts.failed(
        parts.HEALTH[0], parts.exchange(status=status), "status is 200", str(status)
    )
    known = advice(cause_of(check))
    assert known is not None
    assert known.causes
    assert known.next_step


def test_authentication_has_words_of_its_own() -> None:
    check = parts.failed(parts.HEALTH[0], parts.exchange(status=401), "status is 200", "401")
    known = advice(cause_of(check))
    assert known is not None
    assert known.next_step.startswith("authentication failed")


def test_a_request_without_a_reply_brings_its_own_words() -> None:
    check = runs.down().checks[0]
    known = advice(cause_of(check))
    assert known is not None
    assert known.causes[0] == "the service is not running"


def test_nothing_is_guessed_about_a_demand_that_is_not_about_the_status() -> None:
    check = parts.failed(parts.HEALTH[0], parts.exchange(status=401), "a title is there", "none")
    assert advice(cause_of(check)) is None
    assert advice(cause_of(runs.rollback().checks[16])) is None
