"""The examples of other services: what is sound may go on, what is broken may not."""

from __future__ import annotations

import sys
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import msgspec
import pytest
from smokegate.audit.report import Audit
from smokegate.results import Outcome

import docs.examples.bookings.service as bookings
import docs.examples.catalogue.service as catalogue
import docs.examples.ledger.service as ledger
from tests.system.command import ENDED_WITHIN_S, ROOT, UNSAMPLED, Commands

EXAMPLES = ROOT / "docs/examples"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
CHECKS = {"catalogue": 13, "bookings": 13, "ledger": 12}
# What is not about these suites takes no time.
AT_ONCE = {"SMOKEGATE_WAIT_S": "0", **UNSAMPLED}

Patch = Callable[[pytest.MonkeyPatch], None]


def suites_of(name: str) -> Path:
    return EXAMPLES / name / "smoke"


@contextmanager
def started(commands: Commands, name: str) -> Iterator[str]:
    """The service as its README starts it, on a port that is free; it ends when it is told to."""
    with commands.start(sys.executable, EXAMPLES / name / "service.py", "--port", "0") as process:
        try:
            assert process.stdout is not None
            ready, _, url = process.stdout.readline().strip().rpartition(" ")
            assert ready == "ready at"
            yield url
            process.terminate()
            assert process.wait(ENDED_WITHIN_S) == 0
        finally:
            process.kill()


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[str]:
    """The service within this process, where it can be broken and looked into."""
    with server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", CHECKS)
def test_a_sound_service_may_go_on(tmp_path: Path, name: str) -> None:
    commands, suites = Commands(tmp_path), suites_of(name)
    with started(commands, name) as url:
        done = commands.smokegate("run", suites, "--url", url)
        swept = commands.smokegate("sweep", suites, "--url", url)
    assert done.code == 0, done.text
    assert commands.last_run.verdict.action.value == "proceed"
    assert Counter(commands.outcomes.values()) == {"passed": CHECKS[name]}
    assert [probe.outcome.value for probe in commands.last_run.probes] == ["passed", "passed"]
    assert swept.code == 0, swept.text


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", CHECKS)
def test_the_suites_of_other_services_are_audited_just_so(tmp_path: Path, name: str) -> None:
    """With no configuration; none of them was written for a score."""
    commands, result = Commands(tmp_path), tmp_path / "audit.json"
    with started(commands, name) as url:
        done = commands.smokegate("audit", suites_of(name), "--url", url, "--json", result)
    assert done.code == 0, done.text
    audit = msgspec.json.decode(result.read_bytes(), type=Audit)
    assert audit.excluded == {}
    assert audit.over_catching == []
    assert audit.score >= 0.85
    assert {audit.layers[each].score for each in ("transport", "status")} == {1.0}


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    rooms, accounts = bookings.Server(0), ledger.Server(0)
    for name, server in ("bookings", rooms), ("ledger", accounts):
        with serving(server) as url:
            done = Commands(tmp_path, AT_ONCE).smokegate("run", suites_of(name), "--url", url)
        assert done.code == 0, done.text
    assert not rooms.house.bookings
    assert not accounts.ledger.accounts


def last_book_again(patch: pytest.MonkeyPatch) -> None:
    def cursor_before(book: catalogue.Book) -> str:
        return urlsafe_b64encode(f"after:{book.id[:-1]}".encode()).decode()

    patch.setattr(catalogue, "cursor_after", cursor_before)


def year_as_text(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(catalogue, "asdict", lambda book: asdict(book) | {"year": str(book.year)})


def open_to_every_guest(patch: pytest.MonkeyPatch) -> None:
    find = bookings.House.find

    def anyone(self: bookings.House, guest: str, booking_id: str) -> bookings.Booking:
        booking = self.bookings.get(booking_id)
        return find(self, booking.guest if booking else guest, booking_id)

    patch.setattr(bookings.House, "find", anyone)


def cookie_for_scripts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bookings, "SET_COOKIE", bookings.SET_COOKIE.replace("HttpOnly; ", ""))


def one_cent_of_credit(patch: pytest.MonkeyPatch) -> None:
    transfer = ledger.Ledger.transfer

    def give(self: ledger.Ledger, source: str, target: str, amount: int, reference: str) -> Any:
        giver = self.find(source)
        giver.balance += 1
        try:
            transfer(self, source, target, amount, reference)
        finally:
            giver.balance -= 1
        return {"source": self.balance(source), "target": self.balance(target)}

    patch.setattr(ledger.Ledger, "transfer", give)


def half_a_transfer(patch: pytest.MonkeyPatch) -> None:
    transfer = ledger.Ledger.transfer

    def take(self: ledger.Ledger, source: str, target: str, amount: int, reference: str) -> Any:
        done = transfer(self, source, target, amount, reference)
        self.find(target).balance -= amount  # it says that it is done, and it is not
        return done

    patch.setattr(ledger.Ledger, "transfer", take)


class Break(NamedTuple):
    """A service, what is done to it, the verdict that this comes to, and the checks that fail."""

    service: Any
    patch: Patch
    action: str
    failed: set[str]


BREAKS = [
    Break(catalogue, last_book_again, "investigate", {"all_pages", "subjects"}),
    Break(
        catalogue,
        year_as_text,
        "rollback",
        {"well_known_book", "all_pages", "last_page", "listed_as_described", "subjects", "search"},
    ),
    Break(bookings, open_to_every_guest, "rollback", {"foreign_booking"}),
    Break(bookings, cookie_for_scripts, "rollback", {"login_form", "login_flow"}),
    Break(ledger, one_cent_of_credit, "rollback", {"overdraft"}),
    Break(
        ledger,
        half_a_transfer,
        "rollback",
        {"transfer_flow", "transfers_at_once", "notification"},
    ),
]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("broken", BREAKS, ids=[each.patch.__name__ for each in BREAKS])
def test_a_broken_service_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Break
) -> None:
    broken.patch(monkeypatch)
    commands = Commands(tmp_path, AT_ONCE)
    suites = Path(broken.service.__file__).parent / "smoke"
    with serving(broken.service.Server(0)) as url:
        done = commands.smokegate("run", suites, "--url", url)
    run = commands.last_run
    assert run.verdict.action.value == broken.action, done.text
    seen = {check.name for check in run.checks if check.outcome is not Outcome.PASSED}
    assert seen == {f"test_{name}" for name in broken.failed}, done.text


def test_the_readme_says_how_to_run_each() -> None:
    for name in CHECKS:
        assert f"\npython docs/examples/{name}/service.py --port" in README
        assert f"\nsmokegate run docs/examples/{name}/smoke --url" in README
