"""One process that writes runs into a history until it is told to end, or is killed."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

from smokegate.history.remembering import remember
from smokegate.results import CheckResult, JudgedRun, Outcome
from smokegate.settings import Settings

from tests.gate.history.runs import run
from tests.gate.samples import result

CHECKS = 6
RUNS_OF_A_VERSION = 40
_OUTCOMES = [*[Outcome.PASSED] * 12, *Outcome]


def write(url: str, ledgers: Path, journals: Path, number: int) -> None:
    """Remember one run after the other; note in a ledger what came of each that returned."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    luck = random.Random(number)
    settings = Settings(history=url, journal=str(journals))
    ledger = os.open(ledgers / f"{number}.ledger", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    made = 0
    while not ended:
        made += 1
        remembered = _run(number, made, luck)
        for _ in range(luck.choice((1, 1, 1, 2))):  # what comes twice counts once
            trouble = remember(remembered, settings).trouble
            os.write(ledger, f"{remembered.run_id} {trouble}\n".encode())


def _run(number: int, made: int, luck: random.Random) -> JudgedRun:
    checks = [_check(place, luck) for place in luck.sample(range(CHECKS), CHECKS)]
    return run(
        0,
        *checks,
        minutes=10 * made + luck.random(),
        run_id=f"run-{number:03}-{made:05}",
        environment=luck.choice(("production", "staging")),
        version=f"{made // RUNS_OF_A_VERSION}",
    )


def _check(place: int, luck: random.Random) -> CheckResult:
    outcome = luck.choice(_OUTCOMES)
    flaky = outcome is Outcome.WARNED
    return result(f"check{place}", outcome, flaky=flaky, duration_s=luck.expovariate(1))
