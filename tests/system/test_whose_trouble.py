"""Whose trouble it is that nothing answers, acted out: each row of the table in the verdicts' page.

The target and the controls are sockets on this machine's own address in its network, which is not
loopback: there the target is never excused.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from smokegate.client.route import source_of
from smokegate.places import FILE_NAME, Places

from tests.system import names
from tests.system.command import BIN, UNSAMPLED, Commands, Done
from tests.system.ports import OpenPort, answering, dropping, refusing

PROCEED, INVESTIGATE, ROLLBACK, INCONCLUSIVE = 0, 10, 20, 30
LOOPBACK = "127.0.0.1"
SUITE = """
from smokegate import Client, HealthSuite, expect

class TestHealth(HealthSuite):
    async def test_it(self, client: Client) -> None:
        expect(await client.get("/health")).status(200)
"""


@pytest.fixture
def here() -> str:
    """This machine's address in its network."""
    address = source_of("198.51.100.1")
    if not address:
        pytest.skip("this machine has no network")
    return address


class Gate:
    """Runs of one check against a target, beside control addresses."""

    def __init__(self, folder: Path) -> None:
        self._suite = folder / "test_production_health.py"
        self._suite.write_text(SUITE)
        settings = {"API_TIMEOUT": "0.5", "SMOKEGATE_REQUIRE": "health", "SMOKEGATE_WAIT_S": "0"}
        self.commands = Commands(folder, {**settings, **UNSAMPLED})

    def __call__(self, target: str, *controls: str, begin: tuple[str, ...] = ()) -> Done:
        self.commands.environment["SMOKEGATE_CONTROL_ADDRESSES"] = ",".join(controls)
        run = (BIN / "smokegate", "run", "--url", f"http://{target}", self._suite)
        return self.commands(*begin, *run)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


ANSWERS = "answers, so this runner's network works"
SAME = "fails in the same way"


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("target", "control", "code", "words"),
    [
        (refusing, None, ROLLBACK, "connection refused"),
        (refusing, answering, ROLLBACK, ANSWERS),
        (refusing, dropping, ROLLBACK, "connection refused"),
        (refusing, refusing, INCONCLUSIVE, SAME),
        (dropping, None, INCONCLUSIVE, "this runner may never have been let in"),
        (dropping, answering, INCONCLUSIVE, ANSWERS),
        (dropping, refusing, INCONCLUSIVE, "timeout while connecting"),
        (dropping, dropping, INCONCLUSIVE, SAME),
    ],
)
def test_from_a_place_that_was_never_let_in(
    gate: Gate, here: str, *, target: OpenPort, control: OpenPort | None, code: int, words: str
) -> None:
    with ExitStack() as stack:
        at = [stack.enter_context(each(here)) for each in (target, control) if each]
        done = gate(*at)
    assert (done.code, words in _unwrapped(done)) == (code, True), done.text


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("control", "code", "words"),
    [
        (None, ROLLBACK, "timeout while connecting"),
        (answering, ROLLBACK, ANSWERS),
        (refusing, ROLLBACK, "timeout while connecting"),
        (dropping, INCONCLUSIVE, SAME),
    ],
)
def test_from_a_place_that_was_let_in_before(
    gate: Gate, here: str, control: OpenPort | None, code: int, words: str
) -> None:
    with answering(here) as target:
        assert gate(target).code == PROCEED
    with ExitStack() as stack:
        controls = [stack.enter_context(control(here))] if control else []
        stack.enter_context(dropping(here, int(target.rpartition(":")[2])))
        done = gate(target, *controls)
    assert (done.code, words in _unwrapped(done)) == (code, True), done.text


@pytest.mark.long
def test_another_address_of_ours_is_another_place(gate: Gate, here: str) -> None:
    with dropping(here) as target:
        gate.commands.journal.mkdir()
        file = gate.commands.journal / FILE_NAME
        file.write_bytes(msgspec.json.encode(Places([(target, "203.0.113.9")])))
        assert gate(target).code == INCONCLUSIVE
        file.write_bytes(msgspec.json.encode(Places([(target, here)])))
        assert gate(target).code == ROLLBACK


def test_a_place_that_cannot_be_noted_is_said(gate: Gate, here: str) -> None:
    (gate.commands.journal / FILE_NAME).mkdir(parents=True)
    with answering(here) as target:
        done = gate(target)
    assert done.code == PROCEED
    (note,) = gate.commands.last_run.notes
    assert note.startswith("that the target lets us in was not noted")


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("target", "control"), [(refusing, refusing), (dropping, None), (dropping, dropping)]
)
def test_this_machine_is_never_excused(
    gate: Gate, target: OpenPort, control: OpenPort | None
) -> None:
    with ExitStack() as stack:
        at = [stack.enter_context(each(LOOPBACK)) for each in (target, control) if each]
        done = gate(*at)
    assert done.code == ROLLBACK, done.text
    assert not (gate.commands.journal / FILE_NAME).exists()


@pytest.mark.sampled(1)
@pytest.mark.skipif(not names.available(), reason="no right to make namespaces")
@pytest.mark.parametrize(
    ("control", "code", "words"),
    [
        (None, INVESTIGATE, "the host name does not exist"),
        ("127.0.0.1:1", INVESTIGATE, "the host name does not exist"),
        ("control.test:1", INVESTIGATE, "the name of the control address control.test:1 resolves"),
        ("other.test:1", INCONCLUSIVE, "the control address other.test:1 does not resolve either"),
    ],
)
def test_a_name_that_does_not_exist(
    gate: Gate, tmp_path: Path, control: str | None, code: int, words: str
) -> None:
    begin = [
        *names.without_any(tmp_path / "queries"),
        *names.with_hosts(tmp_path, {"control.test": [LOOPBACK]}),
    ]
    done = gate(names.NAME, *filter(None, [control]), begin=tuple(begin))
    assert (done.code, words in _unwrapped(done)) == (code, True), done.text


@pytest.mark.sampled(1)
@pytest.mark.skipif(not names.available(), reason="no right to make namespaces")
@pytest.mark.parametrize(
    ("control", "code", "words"),
    [
        (None, INCONCLUSIVE, "the runner's name resolver does not answer"),
        ("control.test:1", INVESTIGATE, "the name of the control address control.test:1 resolves"),
    ],
)
def test_a_resolver_that_never_answers(
    gate: Gate, tmp_path: Path, control: str | None, code: int, words: str
) -> None:
    begin = [
        *names.with_silent_resolver(),
        *names.with_hosts(tmp_path, {"control.test": [LOOPBACK]}),
    ]
    done = gate(names.NAME, *filter(None, [control]), begin=tuple(begin))
    assert (done.code, words in _unwrapped(done)) == (code, True), done.text


@pytest.mark.skipif(not names.available(), reason="no right to make namespaces")
@pytest.mark.parametrize("target", [names.NAME, "198.51.100.1"])
def test_without_a_network_it_is_never_the_target(gate: Gate, target: str) -> None:
    done = gate(target, begin=("unshare", "-Urn"))
    assert done.code == INCONCLUSIVE, done.text
    (check,) = gate.commands.last_run.checks
    trouble = check.attempts[0].exchanges[0].trouble
    assert trouble is not None
    assert trouble.kind == ("resolver" if target == names.NAME else "unreachable")


PRIVATE = "10.1.1.1"
NO_WAY_OUT = f'ip link set lo up && ip address add {PRIVATE}/32 dev lo && exec "$@"'


@pytest.mark.sampled(1)
@pytest.mark.skipif(
    not (names.available() and shutil.which("ip")), reason="no right or no tool to make networks"
)
@pytest.mark.parametrize(
    ("target", "control", "code", "words"),
    [
        (f"{PRIVATE}:9", "198.51.100.1:443", ROLLBACK, "connection refused"),
        (f"{PRIVATE}:9", f"{PRIVATE}:7", INCONCLUSIVE, SAME),
        ("10.1.1.2:9", "198.51.100.1:443", INCONCLUSIVE, SAME),
        ("10.1.1.2:9", f"{PRIVATE}:7", INCONCLUSIVE, "no route to the target"),
    ],
)
def test_in_a_private_network_that_has_no_way_out(
    gate: Gate, *, target: str, control: str, code: int, words: str
) -> None:
    done = gate(target, control, begin=("unshare", "-Urn", "sh", "-c", NO_WAY_OUT, "sh"))
    assert (done.code, words in _unwrapped(done)) == (code, True), done.text


def _unwrapped(done: Done) -> str:
    """What was said, without the line breaks that a terminal's width makes."""
    return " ".join(done.text.split())
