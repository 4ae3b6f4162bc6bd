"""The watchdog: silent over what ends in time, and one line that names what does not."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import sys
import threading

import pytest
from smokegate.signals import handled
from smokegate.watchdog import Watchdog

from smokegate import watchdog

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="no signals to oneself there")
FAR_S = 1_000_000.0


class Kennel:
    """What a watchdog has said, and a check that blocks until it has."""

    def __init__(self) -> None:
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._said = threading.Event()

    def give_up(self, line: str) -> None:
        self.lines.put(line)
        self._said.set()

    async def block(self) -> None:
        self._said.wait()


def run_blocked(dog: Watchdog, kennel: Kennel, *, signalled: bool = False) -> None:
    async def check() -> None:
        with dog:  # whose time begins here: before, it is not the check that runs
            if signalled:
                os.kill(os.getpid(), signal.SIGTERM)
            await kennel.block()

    async def main() -> None:
        with dog.interrupting(lambda _: None):
            await asyncio.create_task(check(), name="health.test_blocks")

    asyncio.run(main())


def test_it_says_nothing_when_the_block_ends() -> None:
    kennel = Kennel()
    with Watchdog(FAR_S, kennel.give_up):
        pass
    assert kennel.lines.empty()
    assert "watchdog" not in {thread.name for thread in threading.enumerate()}


def test_a_limit_that_is_over_names_the_task_and_the_line() -> None:
    kennel = Kennel()
    run_blocked(Watchdog(0.01, kennel.give_up), kennel)
    line = kennel.lines.get(block=False)
    assert line.startswith("health.test_blocks (")
    assert ") did not let the run end in 0.01 s: no verdict; " in line
    assert kennel.lines.empty()


def test_it_gives_up_once() -> None:
    kennel = Kennel()
    dog = Watchdog(0.01, kennel.give_up)
    run_blocked(dog, kennel)
    dog._again("SIGINT")
    assert "did not let the run end" in kennel.lines.get(block=False)
    assert kennel.lines.empty()


@posix_only
def test_a_signal_leaves_less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "_AFTER_SIGNAL_S", 0.01)
    kennel = Kennel()
    run_blocked(Watchdog(FAR_S, kennel.give_up), kennel, signalled=True)
    assert "did not let the run end within 0.01 s of SIGTERM" in kennel.lines.get(block=False)


@posix_only
def test_the_first_signal_interrupts_in_the_loop() -> None:
    seen: list[str] = []

    async def main() -> None:
        interrupted = asyncio.Event()

        def interrupt(name: str) -> None:
            assert asyncio.get_running_loop()
            seen.append(name)
            interrupted.set()

        with dog.interrupting(interrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            await interrupted.wait()

    kennel = Kennel()
    with Watchdog(FAR_S, kennel.give_up) as dog:
        asyncio.run(main())
    assert seen == ["SIGTERM"]
    assert kennel.lines.empty()


@posix_only
def test_a_signal_that_comes_too_late_to_interrupt_is_passed_on() -> None:
    seen: list[object] = []

    async def main() -> None:
        with dog.interrupting(seen.append):
            os.kill(os.getpid(), signal.SIGTERM)

    with handled(lambda *given: seen.append(given[0])), Watchdog(FAR_S, Kennel().give_up) as dog:
        asyncio.run(main())
    assert seen == [signal.SIGTERM]


def test_what_blocks_outside_a_task_is_named_by_its_line() -> None:
    kennel = Kennel()
    with Watchdog(0.01, kennel.give_up):
        kennel._said.wait()
    assert kennel.lines.get(block=False).startswith("what runs at ")
