"""What rolling back cannot cure, told from replies and failures."""

from __future__ import annotations

import pytest
from smokegate.client.incurable import incurable_cause
from smokegate.client.trouble import WORDS
from smokegate.client.whose import describe
from smokegate.errors import ExpectationFailed
from smokegate.expectations import ROLLBACK, WARN, expect
from smokegate.results import Consequence

from tests.gate.replies import reply_with
from tests.gate.samples import exchange

FULL = "the target's storage is full, and rolling back frees none"
WORDS_OF_FULL = [
    "sqlite3.OperationalError: database or disk is full",
    'ERROR:  could not extend file "base/1/2": No space left on device',
    "[Errno 28] No space left on device",
    '{"code": "ENOSPC"}',
    "Disk quota exceeded",
]


@pytest.mark.parametrize("words", WORDS_OF_FULL)
@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_that_says_so_is_a_full_disk(status: int, words: str) -> None:
    assert incurable_cause(exchange(status=status, body=words)) == FULL


def test_a_507_needs_no_words() -> None:
    assert incurable_cause(exchange(status=507)) == FULL


@pytest.mark.parametrize("status", [200, 201, 404, 422])
def test_what_is_no_server_error_is_none(status: int) -> None:
    assert incurable_cause(exchange(status=status, body=WORDS_OF_FULL[0])) == ""


@pytest.mark.parametrize("body", ["", "Something went wrong", "the cup is full", "XENOSPCX"])
def test_other_server_errors_may_be_cured(body: str) -> None:
    assert incurable_cause(exchange(status=500, body=body)) == ""
    assert incurable_cause(None) == ""


@pytest.mark.parametrize("kind", WORDS)
def test_a_trouble_says_itself_whether_it_is(kind: str) -> None:
    trouble = describe(kind, "")
    cause = incurable_cause(exchange(status=None, trouble=trouble))
    assert cause == (trouble.summary if trouble.incurable else "")


@pytest.mark.parametrize("or_else", [None, ROLLBACK])
@pytest.mark.parametrize("own", [Consequence.ROLLBACK, Consequence.SHARE])
def test_what_a_full_disk_breaks_means_investigate_and_is_named(
    own: Consequence, or_else: Consequence | None
) -> None:
    reply = reply_with({"detail": "No."}, status=507, consequence=own)
    with pytest.raises(ExpectationFailed, match=f"saw 507 'No.'; {FULL}"):
        expect(reply, or_else=or_else).status(201)
    assert [each.consequence for each in reply.evidence.failures] == [Consequence.INVESTIGATE]


def test_reading_what_a_full_disk_left_out_means_investigate() -> None:
    reply = reply_with({"detail": "No."}, status=507)
    with pytest.raises(ExpectationFailed, match=FULL):
        reply.read(str, "id")
    assert [each.consequence for each in reply.evidence.failures] == [Consequence.INVESTIGATE]


def test_what_is_milder_stays_so() -> None:
    reply = reply_with({}, status=507)
    expect(reply, or_else=WARN).status(201)
    assert [each.consequence for each in reply.evidence.expectations] == [Consequence.WARN]


def test_what_holds_is_left_alone() -> None:
    reply = reply_with({}, status=507)
    expect(reply).status(507)
    assert reply.evidence.expectations[0].consequence is Consequence.ROLLBACK
    assert FULL not in reply.evidence.expectations[0].seen
