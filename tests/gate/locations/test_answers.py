"""What comes back through a broker is a run only if it is the one that was asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import msgspec
import pytest
from smokegate.gate import TOOL
from smokegate.locations.answers import Expected, Unusable
from smokegate.results import JudgedRun, LocationRun, to_json
from smokegate.seal import sealed

from tests.gate.locations.places import judged
from tests.gate.samples import healthy, run_of

KEY = "a key of sixteen or more"
RUN = judged(run_of(healthy(), tool=TOOL))
EXPECTED = Expected(
    run_id=RUN.run_id,
    target=RUN.target,
    suites={"health": "h1"},
    checks=frozenset(["health.up"]),
    signing_key=KEY,
)


def result(status: str, value: Any) -> bytes:
    return json.dumps({"status": status, "result": value, "traceback": None}).encode()


def answer(run: JudgedRun, key: str = KEY) -> bytes:
    return result("SUCCESS", {"run": to_json(sealed(run, key)).decode(), "refused": ""})


def changed(**changes: Any) -> JudgedRun:
    return msgspec.structs.replace(RUN, **changes)


def test_the_run_that_was_asked_for_is_taken() -> None:
    run = EXPECTED.run_in(answer(RUN))
    assert run is not None
    assert run.checks == RUN.checks


@pytest.mark.parametrize("status", ["PENDING", "STARTED", "RETRY"])
def test_what_is_not_done_is_waited_for(status: str) -> None:
    assert EXPECTED.run_in(result(status, None)) is None


NOT_ASKED = "its run is not what was asked for: "


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer(changed(run_id="20260101-000000-000000")), NOT_ASKED + "run_id"),
        (answer(changed(target="https://other.example.com")), NOT_ASKED + "target"),
        (answer(changed(tool="smokegate/9")), NOT_ASKED + "tool"),
        (answer(changed(suites={"health": "h2"})), NOT_ASKED + "suites"),
        (answer(changed(checks=[])), NOT_ASKED + "checks"),
        (answer(changed(locations=[LocationRun(name="x")])), NOT_ASKED + "locations"),
        (answer(RUN, ""), "its run was not signed with this signing_key"),
        (answer(RUN, "another key of sixteen"), "its run was not signed with this signing_key"),
        (answer(RUN).replace(b"1.0.0", b"2.0.0"), NOT_ASKED + "run"),
        (result("SUCCESS", {"refused": "no\nway"}), "no way"),
        (result("SUCCESS", {}), "its answer is empty"),
        (result("SUCCESS", {"run": "{}"}), "its answer cannot be read: "),
        (result("SUCCESS", {"run": "[" * 100_000}), "its answer cannot be read: "),
        (result("SUCCESS", 3), "its answer cannot be read: "),
        (b"", "its answer cannot be read: "),
        (b"\xff", "its answer cannot be read: "),
        (result("FAILURE", {"exc_type": "WorkerLostError"}), "the process that verified was kil"),
        (result("FAILURE", {"exc_type": "TimeLimitExceeded"}), "it was killed at its time limit"),
        (result("REVOKED", {"exc_type": "TaskRevokedError"}), "no worker took it in time"),
        (result("FAILURE", {"exc_type": "\x1b[2JEvil"}), "it failed there (\\x1b[2JEvil); see its"),
        (result("FAILURE", "?"), "it failed there (unknown); see its log"),
    ],
)
def test_anything_else_is_no_run(given: bytes, reason: str) -> None:
    with pytest.raises(Unusable) as raised:
        EXPECTED.run_in(given)
    assert str(raised.value).startswith(reason)


# Eight threads of a process that has read no answer yet, each interrupted as often as can be.
READ_BY_THREADS = """
import sys
from threading import Barrier, Thread

from smokegate.locations.answers import Expected, Unusable

expected = Expected(run_id="", target="", suites={}, checks=frozenset(), signing_key="")
answer, start = sys.stdin.buffer.read(), Barrier(8)

def read():
    start.wait()
    try:
        expected.run_in(answer)
    except Unusable:
        pass

sys.setswitchinterval(1e-6)
threads = [Thread(target=read) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""


def test_many_threads_may_be_the_first_to_read_one() -> None:
    command = [sys.executable, "-c", READ_BY_THREADS]
    for _ in range(4):  # three of four crash, where msgspec meets the types in those threads
        subprocess.run(command, input=answer(RUN), check=True)
