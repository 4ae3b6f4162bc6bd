"""Signals that ask for an end: told once, told again, or left ignored."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from smokegate.signals import ENDING, Insistence, handled

from smokegate import cli, settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals to oneself there")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Whatever a test does, the signals are handled as before it."""
    previous = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in previous.items():
        signal.signal(number, handler)


@pytest.fixture
def clock_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time, which the test sets."""
    times = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: times[-1])
    return times


def test_the_three_that_ask_for_an_end() -> None:
    assert [each.name for each in ENDING] == ["SIGINT", "SIGTERM", "SIGHUP"]


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_reaches_the_handler_while_the_block_runs(number: signal.Signals) -> None:
    def before(*_: object) -> None:
        seen.append("before")

    seen: list[object] = []
    signal.signal(number, before)
    with handled(lambda number, _: seen.append(number)):
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    assert seen == [number, "before"]


def test_one_that_is_ignored_stays_ignored() -> None:
    seen: list[int] = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with handled(lambda number, _: seen.append(number)):
        os.kill(os.getpid(), signal.SIGHUP)
    assert seen == []
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_outside_the_main_thread_nothing_is_handled() -> None:
    found: list[object] = []
    before = signal.getsignal(signal.SIGTERM)

    def work() -> None:
        with handled(lambda *_: None):
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [before]


def test_the_first_and_the_next_after_a_second_are_told_once_each(clock_s: list[float]) -> None:
    told: list[str] = []
    insistence = Insistence(
        lambda name: told.append(f"first {name}"), lambda name: told.append(f"again {name}")
    )
    for now_s, number in [
        (100.0, signal.SIGHUP),
        (100.0, signal.SIGTERM),
        (100.9, signal.SIGTERM),
        (101.0, signal.SIGINT),
        (105.0, signal.SIGINT),
    ]:
        clock_s.append(now_s)
        insistence(number, None)
    assert told == ["first SIGHUP", "again SIGINT"]


def test_what_the_first_raises_is_raised_once() -> None:
    def interrupt(_name: str) -> None:
        raise KeyboardInterrupt

    insistence = Insistence(interrupt, lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        insistence(signal.SIGINT, None)
    insistence(signal.SIGINT, None)


@pytest.mark.parametrize(
    ("command", "code"), [("serve", 0), ("worker --location eu", 0), ("run", 30), ("watch", 30)]
)
def test_to_be_told_to_end_is_what_a_service_waits_for_from_its_start_on(
    monkeypatch: pytest.MonkeyPatch, command: str, code: int
) -> None:
    monkeypatch.setattr(settings, "load", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert cli.main(command.split()) == code
