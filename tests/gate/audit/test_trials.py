"""Honesty: who is said to have caught what, and who is not."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from typing import Self

import msgspec
import pytest
from smokegate.audit import operators
from smokegate.audit.campaign import _refuse_spoilt_replies
from smokegate.audit.isolation import isolated
from smokegate.audit.mutants import Mutant
from smokegate.audit.overcatching import over_catching
from smokegate.audit.tape import Entry
from smokegate.audit.trials import Finding, HarnessError
from smokegate.audit.virtual_loop import in_virtual_loop
from smokegate.results import Outcome

from tests.gate.audit.shop import Audited, Health, Workflows, token
from tests.gate.audit.weak_suites import (
    AlwaysFailing,
    Brittle,
    ByTheClock,
    Crashing,
    Deprecated,
    Insatiable,
    Reaching,
    Spinning,
    Spoiling,
    SpoilingLater,
    StatusOnly,
    Swallowing,
    Talking,
    Unasserted,
)

ITEM_RENAMED = "GET /items/{}: name changed"


class Thread:
    """Counts who connects to a server, and hangs up on them."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self.requests = 0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self.requests += 1
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                connection.close()


def fates(findings: list[Finding]) -> Counter[str]:
    return Counter(each.fate for each in findings)


def test_a_removed_assertion_loses_exactly_what_it_alone_caught() -> None:
    whole, less = Audited(Health).caught(), Audited(StatusOnly).caught()
    lost = whole - less
    assert less < whole
    assert {each.partition(": ")[2] for each in lost if "(" not in each} == {
        "HTML",
        "another endpoint's",
        "cut short",
        "empty",
        "header content-type changed",
        "header content-type removed",
        "status blank",
        "status changed",
        "status null",
        "status of another type",
        "status removed",
    } - {"another endpoint's"}


def test_a_suite_that_demands_nothing_catches_nothing() -> None:
    assert Audited(Unasserted).caught() == set()


def test_a_suite_that_swallows_exceptions_is_exposed() -> None:
    """A reply that cannot be read is recorded all the same; a plain assert is not."""
    assert Audited(Swallowing).caught() == set()


def test_what_only_falls_over_is_counted_apart() -> None:
    findings = Audited(Crashing).findings()
    accidents = {each.mutant.what for each in findings if each.fate == "accident"}
    assert {"version null", "version removed", "version of another type"} <= accidents
    for finding in findings:
        if finding.fate == "accident":
            assert all(catch.accidental for catch in finding.catches)


def test_a_check_that_always_fails_catches_nothing() -> None:
    audited = Audited(AlwaysFailing)
    assert audited.rehearsal.checks["health.test_health"].outcome is Outcome.FAILED
    assert audited.caught() == set()


def test_a_check_that_changes_what_it_reads_is_found_out() -> None:
    audited = Audited(Spoiling)
    assert "health.test_health" in audited.rehearsal.unstable


def test_a_check_that_spoils_replies_during_trials_ends_the_audit() -> None:
    """Whatever came after it would be a lie."""
    audited = Audited(SpoilingLater)
    assert audited.rehearsal.unstable == {}
    audited.findings()
    with pytest.raises(HarnessError, match="changes replies in place"):
        in_virtual_loop(lambda: _refuse_spoilt_replies(audited.rehearsal))


def test_a_check_that_asks_past_its_client_reaches_nobody_and_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Thread(server) as answering:
        Reaching.url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        audited = Audited(Reaching)
        when_live = answering.requests
        with isolated():
            in_virtual_loop(audited.rehearsal.play)
            audited.findings()
        assert answering.requests == when_live
    why = audited.rehearsal.unstable
    assert list(why) == ["health.test_health"]
    assert "a replay has no network" in why["health.test_health"]


def test_waiting_in_a_circle_is_given_its_time() -> None:
    assert Audited(Spinning).rehearsal.unstable == {}


def test_a_clock_of_its_own_goes_as_the_loop_does() -> None:
    audited = Audited(ByTheClock)
    with isolated():
        findings = audited.findings()
    refused = [each for each in findings if each.mutant.what == "status 500"]
    assert {each.fate for each in refused if each.mutant.family == "endpoint"} == {"caught"}


def test_who_has_no_say_catches_nothing() -> None:
    assert Audited(Deprecated).caught() == set()


def test_what_checks_say_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    audited = Audited(Talking)
    capfd.readouterr()
    with isolated():
        audited.findings()
    assert capfd.readouterr() == ("", "")


def test_the_verdict_is_by_the_thresholds_that_are_set() -> None:
    """One of two workflows that fails is a share of 50%."""
    verdicts = []
    for below in 0.5, 0.9:
        audited = Audited(Health, Workflows, settings={"rollback_below": below})
        findings = audited.findings()
        (finding,) = (each for each in findings if each.mutant.words == ITEM_RENAMED)
        verdicts.append(finding.verdict)
    assert verdicts == ["investigate", "rollback"]


def test_a_loop_without_a_pause_comes_to_its_deadline() -> None:
    findings = Audited(Insatiable).findings()
    changed = [each for each in findings if each.mutant.what == "status changed"]
    assert {each.fate for each in changed if each.mutant.family == "endpoint"} == {"caught"}


def test_a_resource_that_cannot_be_made_blocks_who_needs_it() -> None:
    findings = Audited(Workflows).findings()
    (finding,) = (
        each for each in findings if each.mutant.words == "POST /login: access_token removed"
    )
    assert {catch.check for catch in finding.catches} == {
        "workflows.test_items",
        "workflows.test_strangers",
    }
    assert {catch.through for catch in finding.catches} == {"token"}
    assert finding.verdict == "rollback"


def test_another_value_of_a_resource_reaches_those_who_need_it() -> None:
    """The token is another one, so the shop refuses it as it refuses strangers."""
    findings = Audited(Workflows).findings()
    (finding,) = (
        each
        for each in findings
        if each.mutant.words == "POST /login (reply 1 of token): access_token changed"
    )
    assert {catch.check for catch in finding.catches} == {
        "workflows.test_items",
        "workflows.test_strangers",
    }


def test_a_mutant_that_was_never_delivered_is_an_error_of_the_harness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    audited = Audited(Health)
    playback = audited.rehearsal.stage.playback
    monkeypatch.setattr(audited.rehearsal.stage, "playback", lambda owner, _: playback(owner))
    (mutant,) = (each for each in audited.mutants if each.words == "GET /health: status removed")
    with pytest.raises(HarnessError, match="status removed: it was never delivered"):
        audited.findings([mutant])


def test_the_order_does_not_matter() -> None:
    audited = Audited(Health, Workflows)
    forwards = audited.findings()
    backwards = audited.findings(audited.mutants[::-1])
    assert msgspec.json.encode(forwards) == msgspec.json.encode(backwards[::-1])


def test_what_nobody_looks_at_is_not_replayed_and_would_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The short cut for such places comes to the same as a replay."""
    quick = Audited(Health, Workflows).findings()
    monkeypatch.setattr("smokegate.audit.trials.Trials._could_be_noticed", lambda *_: True)
    whole = Audited(Health, Workflows).findings()
    assert [each.fate for each in quick] == [each.fate for each in whole]


@pytest.mark.parametrize("suite", [Health, Workflows])
def test_a_good_suite_does_not_turn_red_over_what_is_harmless(suite: type) -> None:
    audited = Audited(suite)
    assert in_virtual_loop(lambda: over_catching(audited.rehearsal)) == []


def test_a_brittle_suite_is_shown() -> None:
    audited = Audited(Brittle, resources=(token,))
    found = in_virtual_loop(lambda: over_catching(audited.rehearsal))
    assert {each.condition for each in found} == {
        "extra fields in every JSON object",
        "header names in capitals",
        "header names in small letters",
    }


@pytest.mark.parametrize("family", ["endpoint", "reply"])
def test_every_mutant_changes_what_it_says_it_does(family: str) -> None:
    audited = Audited(Health, Workflows)
    breaker = operators.Breaker(audited.rehearsal.entries, {})
    for mutant in audited.mutants:
        if mutant.family == family:
            assert any(_is_broken(breaker, mutant, each) for each in audited.rehearsal.entries)


def _is_broken(breaker: operators.Breaker, mutant: Mutant, entry: Entry) -> bool:
    return mutant.strikes(entry) and breaker.broken(mutant, entry) is not entry.content
