"""A run as a tree of spans."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.results import JudgedRun, Outcome, Timing
from smokegate.telemetry.spans import Span, trace_of

from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import poisoned, texts


def below(span: Span) -> Iterator[tuple[Span, Span]]:
    """Every span with the one that it is below of."""
    for child in span.children:
        yield span, child
        yield from below(child)


def named(run: JudgedRun, name: str) -> Span:
    (found,) = (each for _, each in below(trace_of(run)) if each.name == name)
    return found


def requested(**changes: object) -> Span:
    """The span of one request of a check that passed, unless said."""
    outcome = changes.pop("outcome", Outcome.PASSED)
    assert isinstance(outcome, Outcome)
    asked = msgspec.structs.replace(parts.exchange(), **changes)
    tried = parts.attempt(outcome, [asked])
    run = parts.judged(parts.check("health.up", outcome, tried), only=["health.up"])
    (only,) = named(run, "health.up").children
    return only


def test_a_run_has_its_checks_and_what_they_share_and_these_have_their_requests() -> None:
    run = runs.interrupted()
    root = trace_of(run)
    owners = {each.id for each in run.everything} | {f"resource {r.name}" for r in run.resources}
    assert {each.name for each in root.children} == owners
    requests = [each for owner in root.children for each in owner.children]
    assert all(each.is_request for each in requests)
    assert len(requests) == sum(len(each.exchanges) for each in run.attempts)


@pytest.mark.parametrize("name", runs.RUNS)
def test_whatever_is_below_lies_within_its_time(name: str) -> None:
    for above, span in below(trace_of(runs.RUNS[name]())):
        assert above.begin_s <= span.begin_s <= span.end_s <= above.end_s


@given(st.floats(-1, 400), st.floats(0, 400), st.floats(0, 1))
def test_so_it_does_whatever_clocks_say(begin_s: float, took_s: float, tried_s: float) -> None:
    asked = parts.exchange(started_s=begin_s, timing=Timing(total_s=took_s))
    tried = parts.attempt(Outcome.PASSED, [asked], duration_s=tried_s)
    run = parts.judged(parts.check("health.up", Outcome.PASSED, tried), only=["health.up"])
    for above, span in below(trace_of(run)):
        assert above.begin_s <= span.begin_s <= span.end_s <= above.end_s


def test_a_run_says_its_verdict() -> None:
    root = trace_of(runs.rollback())
    assert root.attributes["smokegate.verdict"] == "rollback"
    assert root.error == runs.rollback().verdict.reason
    assert trace_of(runs.proceed()).error == ""


def test_a_check_says_how_it_ended() -> None:
    run = runs.proceed()
    skipped = named(run, "health.test_redis_connection")
    assert "test.case.result.status" not in skipped.attributes
    warned = named(run, "workflows.test_bulk_operations_flow")
    assert warned.attributes["test.case.result.status"] == "pass"
    assert warned.attributes["smokegate.flaky"] is True
    assert [each.attributes["smokegate.attempt"] for each in warned.children] == [1, 2]
    failing = named(runs.mitigated(), "health.test_database_connection")
    assert failing.attributes["test.suite.name"] == "health"
    assert failing.attributes["test.case.result.status"] == "fail"
    assert failing.error


def test_a_check_that_never_began_has_no_length() -> None:
    run = runs.RUNS["rollback"]()
    never = [each for each in run.everything if not each.attempts]
    assert never
    for each in never:
        span = named(run, each.id)
        assert span.begin_s == span.end_s == run.duration_s


def test_a_request_is_told_by_the_conventions() -> None:
    span = requested(url="https://api.example.com/health?page=2", address="[2001:db8::9]:8443")
    assert (span.name, span.error) == ("GET", "")
    assert span.begin_s == 0.01
    assert span.end_s == pytest.approx(0.025)
    told = {name: value for name, value in span.attributes.items() if "phase" not in name}
    assert told == {
        "http.request.method": "GET",
        "url.full": "https://api.example.com/health?page=2",
        "server.address": "api.example.com",
        "server.port": 443,
        "http.response.status_code": 200,
        "http.response.body.size": 2,
        "network.protocol.version": "2",
        "network.peer.address": "2001:db8::9",
        "network.peer.port": 8443,
        "smokegate.attempt": 1,
        "smokegate.connection.fresh": True,
    }
    phases = {name: value for name, value in span.attributes.items() if "phase" in name}
    assert phases == pytest.approx(
        {
            "smokegate.phase.dns_s": 0.001,
            "smokegate.phase.connect_s": 0.002,
            "smokegate.phase.tls_s": 0.004,
            "smokegate.phase.wait_s": 0.008,
        }
    )


@pytest.mark.parametrize(
    ("changes", "error_type"),
    [
        ({"status": 401}, None),
        ({"status": 401, "outcome": Outcome.FAILED}, "401"),
        ({"status": 503, "outcome": Outcome.FAILED}, "503"),
        ({"status": 200, "outcome": Outcome.FAILED}, None),
        ({"status": None, "trouble": parts.exchange(trouble="reset").trouble}, "reset"),
    ],
)
def test_a_status_that_was_wanted_is_no_error(
    changes: dict[str, object], error_type: str | None
) -> None:
    span = requested(**changes)
    assert span.attributes.get("error.type") == error_type
    assert bool(span.error) == bool(error_type)


def test_a_method_that_nobody_knows_is_told_apart() -> None:
    span = requested(method="BREW", sends=2)
    assert span.name == "HTTP"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"
    assert span.attributes["http.request.resend_count"] == 1


def test_what_is_no_url_names_no_server() -> None:
    for url in "http://[", "ftp://x", "http://x:99999", "":
        assert "server.address" not in requested(url=url).attributes


@given(texts)
def test_what_a_target_sent_can_be_sent_on(text: str) -> None:
    for name in ("rollback", "proceed", "interrupted"):
        root = trace_of(poisoned(runs.RUNS[name](), text))
        for span in [root, *(each for _, each in below(root))]:
            strings = [each for each in span.attributes.values() if isinstance(each, str)]
            for each in (span.name, span.error, *strings):
                assert len(each.encode("utf-8")) <= 10_000
