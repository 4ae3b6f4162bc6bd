from __future__ import annotations

import msgspec
from smokegate.reports import failure
from smokegate.reports.causes import cause_of
from smokegate.reports.details import (
    connection_in_words,
    details,
    exchange_in_words,
    further_demands,
)
from smokegate.results import Outcome, Timing

from tests.gate.reports import parts, runs


def test_a_failure_says_request_demand_what_came_and_how_to_go_on() -> None:
    run = runs.rollback()
    text = failure(run, run.checks[1])
    assert text == (
        "GET /health/database: expected that status is 200; saw 503 'connection to server at "
        '"db" failed:\nFATAL: too many connections for role\'\n'
        "  request   GET /health/database → 503, "
        "15 ms (dns 1.0, connect 2.0, tls 4.0, wait 8.0 ms)\n"
        "  over      connection 0 (new), 192.0.2.10:443, HTTP/2\n"
        "  expected  status is 200\n"
        '  saw       503 \'connection to server at "db" failed: FATAL: too many connections for '
        "role'\n"
        "  likely    the service or a dependency is down or not ready yet; it is overloaded\n"
        "  next      look at the readiness of the instances and of what they depend on\n"
        "  repeat    curl --include --request GET https://api.example.com/health/database"
    )


def test_a_blocked_check_shows_the_evidence_of_its_resource() -> None:
    run = runs.rollback()
    blocked = next(check for check in run.checks if check.blocked_by)
    rows = dict(details(cause_of(blocked, run), blocked))
    assert rows["saw"] == "500 'could not connect to server'"
    assert rows["repeat"].startswith("curl ")


def test_phases_that_a_kept_connection_did_not_need_are_left_out() -> None:
    asked = parts.exchange(timing=Timing(wait_s=0.0123, receive_s=0.0004, total_s=0.0127))
    assert exchange_in_words(asked) == "GET /health → 200, 13 ms (wait 12, receive 0.4 ms)"


def test_a_reply_that_broke_off_shows_status_and_trouble() -> None:
    asked = parts.exchange(status=200, trouble="truncated", sends=2)
    words = exchange_in_words(asked)
    assert "→ 200, the reply ended before its announced length, 15 ms" in words
    assert words.endswith("sent 2 times")


def test_a_connection_is_shown_with_its_address_and_proxy() -> None:
    asked = parts.exchange(fresh=False, proxy="http://proxy:3128")
    assert connection_in_words(asked) == (
        "connection 0, 192.0.2.10:443, HTTP/2, proxy http://proxy:3128"
    )
    assert connection_in_words(parts.exchange(status=None)) == "no connection"


def test_what_else_did_not_hold_is_said_too() -> None:
    run = runs.investigate()
    check = run.checks[6]
    assert further_demands(cause_of(check, run)) == [
        ("also", "expected that header Content-Security-Policy is there; saw no such header")
    ]


def test_many_unmet_expectations_are_counted() -> None:
    asked = parts.exchange()
    unmet = [parts.unmet(f"demand {number}", "no", of=asked) for number in range(8)]
    check = parts.check(
        parts.HEALTH[0], Outcome.FAILED, parts.attempt(Outcome.FAILED, [asked], *unmet)
    )
    rows = details(cause_of(check), check)
    assert ("", "3 more expectations did not hold; see run.json") in rows


def test_a_huge_command_is_cut_and_says_so() -> None:
    asked = msgspec.structs.replace(parts.exchange(), curl="curl " + "x" * 30_000)
    check = parts.failed(parts.HEALTH[0], asked, "it is", "not")
    repeat = dict(details(cause_of(check), check))["repeat"]
    assert len(repeat) < 2_100
    assert repeat.endswith("run.json has the whole command)")
