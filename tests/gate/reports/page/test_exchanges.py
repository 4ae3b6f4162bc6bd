from __future__ import annotations

import msgspec
from smokegate.reports.page.exchanges import exchange_alone, exchanges
from smokegate.results import (
    Attempt,
    Certificate,
    Consequence,
    Expectation,
    Outcome,
    Timing,
)

from tests.gate.reports import parts

SECRET_LOOKING = [("X-Trace", "abc<def")]


def many(number: int, outcome: Outcome = Outcome.PASSED, *failed: Expectation) -> Attempt:
    asked = [
        parts.exchange(path=f"/{each}", number=each, timing=Timing(total_s=each / 1_000))
        for each in range(number)
    ]
    return parts.attempt(outcome, asked, *failed, reason="no")


def test_a_row_says_what_was_asked_what_came_and_how_long_it_took() -> None:
    made = exchanges(parts.attempt(Outcome.PASSED, [parts.exchange(path="/health?a=<b>")]))
    assert "<b>200</b>" in made
    assert "<code>GET /health?a=&lt;b&gt;</code>" in made
    assert "<span>15 ms</span>" in made
    assert "<details" not in made


def test_what_went_well_is_a_row_and_what_did_not_opens() -> None:
    good, bad = parts.exchange(path="/good"), parts.exchange(path="/bad", number=2)
    unmet = parts.unmet("it is kept", "nothing", of=bad, consequence=Consequence.WARN)
    made = exchanges(parts.attempt(Outcome.WARNED, [good, bad], unmet))
    assert made.count("<details") == 1
    assert made.index("/good") < made.index("<details") < made.index("/bad")


def test_demands_stand_below_what_they_were_made_of() -> None:
    one, two = parts.exchange(path="/one"), parts.exchange(path="/two", number=2)
    held = msgspec.structs.replace(parts.unmet("one is there", "it", of=one), held=True)
    other = msgspec.structs.replace(parts.unmet("all are there", "2 of 2"), held=True)
    unmet = parts.unmet("two is there", "nothing", of=two)
    made = exchanges(parts.attempt(Outcome.FAILED, [one, two], held, unmet, other))
    order = ["/one", "one is there", "/two", "expected that two is there", "nothing", "all are"]
    assert sorted(order, key=made.index) == order


def test_what_was_seen_is_left_out_where_the_demand_says_it() -> None:
    held = msgspec.structs.replace(parts.unmet("status is 200", "200"), held=True)
    assert "<span>" not in exchanges(parts.attempt(Outcome.PASSED, [], held))


def test_an_exchange_shows_headers_bodies_connection_and_certificate() -> None:
    made = exchange_alone(
        parts.exchange(
            "POST",
            "/api",
            503,
            body='{"a": "<1>"}',
            reply_body="line one\n  line two",
            reply_headers=SECRET_LOOKING,
            reply_bytes=12_345,
            sends=2,
            certificate=Certificate(
                subject="CN = api", issuer="CN = ca", not_before="then", not_after="later"
            ),
        )
    )
    assert "<b>POST /api</b>" in made
    assert '{"a": "&lt;1&gt;"}' in made
    assert "<i>X-Trace:</i> abc&lt;def" in made
    assert "line one\n  line two" in made
    for words in ("12,345 bytes on the wire", "sent 2 times", "CN = ca", "HTTP/2 503", "dns 1.0"):
        assert words in made


def test_without_a_reply_its_trouble_is_said() -> None:
    made = exchange_alone(parts.exchange(status=None, trouble="connect_timeout", detail="10 s"))
    assert '<b class="bad">connect timeout</b>' in made
    assert "timeout while connecting" in made
    assert "Reply" not in made


def test_how_to_repeat_it_stands_with_a_check_and_not_in_a_cards_exchange() -> None:
    bad = parts.exchange(status=500)
    assert "curl --include" in exchanges(parts.attempt(Outcome.FAILED, [bad], reason="no"))
    assert "curl --include" not in exchange_alone(bad)


def test_of_many_the_slowest_are_shown_in_their_order() -> None:
    made = exchanges(many(100))
    assert made.count('class="ask"') == 40
    assert "60 quicker requests not shown" in made
    assert "/59<" not in made
    assert made.index("/60<") < made.index("/99<")


def test_what_is_telling_is_shown_however_quick_it_was() -> None:
    unmet = parts.unmet("the first is there", "nothing", of=parts.exchange(number=0))
    made = exchanges(many(100, Outcome.FAILED, unmet))
    assert "/0<" in made
    assert made.count("<details") == 6


def test_what_a_sample_did_not_keep_is_counted() -> None:
    sample = msgspec.structs.replace(many(0), requests=200)
    assert "200 requests not kept one by one" in exchanges(sample)


def test_demands_that_are_too_many_are_counted_and_failures_come_first() -> None:
    asked = parts.exchange()
    held = [
        msgspec.structs.replace(parts.unmet(f"demand {n}", "it", of=asked), held=True)
        for n in range(100)
    ]
    unmet = parts.unmet("the last holds", "nothing", of=asked)
    made = exchanges(parts.attempt(Outcome.FAILED, [asked], *held, unmet))
    assert made.index("the last holds") < made.index("demand 0")
    assert "40 more demands" in made


def test_headers_without_end_are_cut() -> None:
    headers = [(f"X-{number}", "v" * 400) for number in range(100)]
    made = exchange_alone(parts.exchange(reply_headers=headers))
    assert "… 90 more" in made
