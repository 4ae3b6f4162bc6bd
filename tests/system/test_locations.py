"""Three places, each with a network of its own, and one verdict, whatever becomes of them."""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from smokegate.engine.plan import digest
from smokegate.errors import BrokerError
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread
from smokegate.gate import TOOL
from smokegate.locations.answers import Expected, Unusable
from smokegate.locations.messages import TASK, Ask, queue, run_id_at
from smokegate.locations.post import Post
from smokegate.results import JudgedRun
from smokegate.settings import Settings

from tests.lattice.servers import assert_in_the_end
from tests.system import place
from tests.system.command import BIN, ENDED_WITHIN_S, Commands, Done
from tests.system.place import Road
from tests.system.things import Things, write_suites
from tests.system.tls_broker import PASSWORD, TlsBroker

SIGNING_KEY, ACCOUNTS = "a key that all locations share", "a-password-of-accounts"
RTT_S = {"eu": 0.01, "us": 0.05, "ap": 0.12}

pytestmark = pytest.mark.skipif(
    not place.available(), reason="no right to make namespaces (unshare)"
)


class Place:
    """A location's worker, and its ways to the target and to the broker."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.folder = world.folder / name
        self.folder.mkdir(exist_ok=True)
        self._world = world
        self.start()

    def start(self) -> None:
        """Start it; `ready` waits until it serves."""
        self._log_before = len(self.log)
        command = [
            str(BIN / "smokegate"),
            "worker",
            "--location",
            self.name,
            str(self._world.suites),
        ]
        own = {"SMOKEGATE_JOURNAL": str(self.folder / "journal")}
        self.process, self.roads = place.started(
            command,
            [self._world.target.url, self._world.broker.url],
            self.folder,
            RTT_S[self.name],
            self._world.commands.environment | own,
        )
        for road in self.roads:
            self._world.loop.keep(road)

    def ready(self) -> None:
        said = f"location {self.name} is ready"
        assert_in_the_end(lambda: self.has_ended or said in self.log[self._log_before :])
        assert not self.has_ended, self.log

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def to_target(self) -> Road:
        return self.roads[0]

    @property
    def to_broker(self) -> Road:
        return self.roads[1]

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def verifying(self) -> int:
        """The process of its pool that verifies: the one that has its journal open."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return next(pid for pid in map(int, children.split()) if self._has_journal(pid))

    def _has_journal(self, pid: int) -> bool:
        opened = (each.readlink() for each in Path(f"/proc/{pid}/fd").iterdir())
        return any(path.suffix == ".journal" for path in opened)

    def kill(self) -> None:
        """Kill it with all its processes."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class World:
    """A target, a broker, three places, and whoever asks them."""

    def __init__(self, folder: Path, broker: TlsBroker, target: Things, loop: LoopThread) -> None:
        self.folder, self.broker, self.target, self.loop = folder, broker, target, loop
        self.suites = write_suites(folder / "suites")
        self.history = folder / "history.db"
        self.expected_rows = 1
        self.commands = Commands(
            folder,
            {
                "PRODUCTION_URL": target.url,
                "SMOKEGATE_REQUIRE": "health",
                "SMOKEGATE_SAMPLE_REQUESTS": "0",
                "SMOKEGATE_SETTLE_CONNECTIONS": "2",
                "SMOKEGATE_WAIT_S": "3",
                "SMOKEGATE_BROKER": broker.url,
                "SMOKEGATE_BROKER_CA_FILE": broker.ca_file,
                "SMOKEGATE_HISTORY": f"sqlite:///{self.history}",
                "SMOKEGATE_SIGNING_KEY": SIGNING_KEY,
                "TEST_PASSWORD": ACCOUNTS,
            },
        )
        self.places = {name: Place(name, self) for name in RTT_S}
        for each in self.places.values():
            each.ready()

    def start(self, *more: str) -> subprocess.Popen[str]:
        """Start a run from all places."""
        names = ",".join(self.places)
        return self.commands.start(
            BIN / "smokegate", "run", "--locations", names, *more, self.suites
        )

    def run(self, *more: str) -> Done:
        """Verify from all places."""
        with self.start(*more) as process:
            out, err = process.communicate()
        return Done(process.returncode, out, err)

    def run_within(self, **limits: float) -> Done:
        """Verify from all places with other limits than the usual ones."""
        usual = dict(self.commands.environment)
        self.commands.environment |= {
            f"SMOKEGATE_{name.upper()}": str(limit) for name, limit in limits.items()
        }
        try:
            return self.run()
        finally:
            self.commands.environment = usual

    @contextmanager
    def holding(self) -> Iterator[subprocess.Popen[str]]:
        """A run of which all places have made their thing and are kept waiting for it."""
        self.target.free.clear()
        with self.start() as process:
            for _ in self.places:
                assert self.target.waiting.acquire(timeout=ENDED_WITHIN_S), process.communicate()
            yield process

    @property
    def last(self) -> JudgedRun:
        return self.commands.last_run

    def remembered(self) -> list[str]:
        """The runs in the history, each once for each row."""
        if not self.history.exists():
            return []
        with sqlite3.connect(self.history) as connection:
            return [row[0] for row in connection.execute("SELECT run_id FROM runs ORDER BY id")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("locations")
    with TlsBroker(certificates) as broker, Things() as target, LoopThread() as loop:
        made = World(folder, broker, target, loop)
        yield made
        for each in made.places.values():
            if not each.has_ended:
                each.kill()


@pytest.fixture(autouse=True)
def whole_again(world: World) -> Iterator[None]:
    """Demand that a test leaves one row in the history, if no other number, and no thing."""
    for each in world.places.values():
        if each.has_ended:
            each.start()
            each.ready()
    world.expected_rows = 1
    before = len(world.remembered())
    yield
    world.target.broken = False
    world.target.free.set()
    for each in world.places.values():
        for road in each.roads:
            road.repair()
    assert_in_the_end(lambda: not world.target.things)
    assert len(world.remembered()) - before == world.expected_rows


def hostile_messages() -> Iterator[str]:
    """What nobody should send: no messages, tasks that are none of ours, and wrong questions."""
    yield "no JSON"
    yield "{}"
    yield message_of([{}], task="os.system")
    yield message_of([{}], content_type="application/x-python-serialize")
    ask = {
        "run_id": "20260101-000000-abcdef",
        "target": "http://169.254.169.254/",
        "expect_version": "",
        "checks": [],
        "suites": {},
        "tool": TOOL,
        "run_timeout_s": 1.0,
        "wait_s": 0.0,
    }
    yield message_of([ask])
    yield message_of([{**ask, "url\n": "\x1b[2J"}])
    yield message_of([{**ask, "checks": "x" * 1_000_000}])
    yield message_of([1, 2, 3])


def message_of(
    arguments: list[object], *, task: str = TASK, content_type: str = "application/json"
) -> str:
    """A message as Celery sends them."""
    body = json.dumps([arguments, {}, {}]).encode()
    task_id = str(uuid4())
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": content_type,
            "headers": {
                "lang": "py",
                "task": task,
                "id": task_id,
                "argsrepr": "",
                "kwargsrepr": "",
            },
            "properties": {
                "correlation_id": task_id,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue("ap")},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )


def in_words(run: JudgedRun) -> dict[str, str]:
    """What each location came to: its verdict, or why there is none."""
    return {
        each.name: each.run.verdict.action.value if each.run else each.reason
        for each in run.locations
    }


def test_all_agree(world: World) -> None:
    made = len(world.target.made)
    done = world.run()
    assert done.code == 0, done.text
    run = world.last
    assert in_words(run) == dict.fromkeys(RTT_S, "proceed")
    names = dict(world.target.made[made:])
    assert len(names) == len(set(names.values())) == 3
    assert set(names) == {each.run.run_id for each in run.locations if each.run}
    assert world.remembered()[-1] == run.run_id
    assert "from      eu: proceed" in done.out
    explained = world.commands.smokegate("explain", max(world.commands.results.glob("run_*.json")))
    assert explained.code == 0, explained.text
    assert "The verdict follows from the evidence" in explained.out


def test_what_fails_from_everywhere_is_the_targets(world: World) -> None:
    world.target.broken = True
    done = world.run()
    assert done.code == 20, done.text
    assert world.last.checks[1].only_from == []


def test_one_cut_off_from_the_target_is_to_be_investigated(world: World) -> None:
    world.places["us"].to_target.close_off()
    done = world.run()
    assert done.code == 10, done.text
    assert "(from us, of 3 locations)" in world.last.verdict.reason
    assert {tuple(check.only_from) for check in world.last.checks} == {("us",)}


@pytest.mark.long
def test_one_cut_off_from_the_broker_is_unknown(world: World) -> None:
    world.places["us"].to_broker.close_off()
    done = world.run_within(location_wait_s=3)
    assert done.code == 30, done.text
    assert in_words(world.last)["us"] == "no worker took it within 3 s"
    assert "no answer from us: no worker took it within 3 s" in world.last.verdict.reason


def test_one_that_is_too_slow_is_unknown(world: World) -> None:
    world.places["ap"].to_target.slow_down(1.5)
    done = world.run_within(wait_s=0.5, run_timeout_s=2)
    assert done.code == 30, done.text
    assert in_words(world.last)["ap"] == "inconclusive"
    assert "(from ap, of 3 locations)" in world.last.verdict.reason


def test_a_worker_that_is_killed_in_mid_run(world: World) -> None:
    with world.holding() as process:
        verifying = world.places["us"].verifying()
        os.kill(verifying, signal.SIGKILL)
        world.target.free.set()
        code = process.wait()
    assert code == 30
    assert in_words(world.last) == {
        "eu": "proceed",
        "us": "the process that verified was killed",
        "ap": "proceed",
    }


@pytest.mark.long
def test_a_run_beyond_its_hard_time_limit_is_killed(world: World) -> None:
    world.expected_rows = 0
    suites, checks = {"health": digest([world.suites])}, ["health.test_thing", "health.test_up"]
    ask = Ask(
        run_id="20260101-000000-abcdef",
        target=world.target.url,
        expect_version="",
        checks=checks,
        suites=suites,
        tool=TOOL,
        run_timeout_s=60.0,
        wait_s=3.0,
    )
    expected = Expected(
        run_id=run_id_at("ap", ask.run_id),
        target=ask.target,
        suites=suites,
        checks=frozenset(checks),
        signing_key="",
    )
    post = Post(Settings(broker=world.broker.url, broker_ca_file=world.broker.ca_file))
    world.target.free.clear()
    task_id = post.send("ap", ask, limit_s=3)
    assert world.target.waiting.acquire(timeout=ENDED_WITHIN_S)
    assert_in_the_end(lambda: "Hard time limit" in world.places["ap"].log)
    assert_in_the_end(lambda: b"FAILURE" in (post.result(task_id) or b""))
    with pytest.raises(Unusable, match="it was killed at its time limit"):
        expected.run_in(post.result(task_id) or b"")


def test_a_broker_that_is_restarted_in_mid_run(world: World) -> None:
    with world.holding() as process:
        world.broker.stop()
        world.broker.start()
        world.target.free.set()
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert in_words(world.last) == dict.fromkeys(RTT_S, "proceed")


def test_a_driver_that_dies_is_cleaned_up_after(world: World) -> None:
    world.expected_rows = 0
    with world.holding() as process:
        process.kill()
        process.wait()
        world.target.free.set()


def test_an_interrupted_driver_has_no_verdict(world: World) -> None:
    with world.holding() as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        world.target.free.set()
    assert process.returncode == 30, out + err
    assert world.last.interrupted == "SIGINT"


@pytest.mark.long
def test_a_whole_worker_that_is_killed_sweeps_when_it_is_back_and_takes_a_task_once(
    world: World,
) -> None:
    eu = world.places["eu"]
    with world.holding() as process:
        process.kill()
        eu.kill()
        world.target.free.set()
    assert_in_the_end(lambda: len(world.target.things) == 1)
    made = len(world.target.made)
    with world.start() as process, world.broker.client() as client:
        assert_in_the_end(lambda: client.llen(queue("eu")) == 1)
        (message,) = client.lrange(queue("eu"), 0, 0)
        client.lpush(queue("eu"), message)
        sent = json.loads(message)
        assert sent["headers"]["expires"]
        assert sent["headers"]["timelimit"][0] > 0
        asked = base64.b64decode(sent["body"]).decode()
        assert [secret for secret in (PASSWORD, SIGNING_KEY, ACCOUNTS) if secret in asked] == []
        assert world.target.url in asked
        eu.start()
        out, err = process.communicate()
        eu.ready()
        assert_in_the_end(lambda: client.llen(queue("eu")) == 0)
    assert process.returncode == 0, out + err
    assert len(world.target.made) == made + 3
    assert_in_the_end(lambda: "declined" in eu.log)
    assert eu.log.count("declined") == 1


def test_what_is_no_question_is_refused_in_one_line(world: World) -> None:
    ap = world.places["ap"]
    before = len(ap.log)
    with world.broker.client() as client:
        for message in hostile_messages():
            client.lpush(queue("ap"), message)
        assert_in_the_end(lambda: client.llen(queue("ap")) == 0)
    assert_in_the_end(lambda: ap.log.count("refused: ", before) == 6)
    done = world.run()
    assert done.code == 0, done.text
    said = ap.log[before:].splitlines()
    assert len(max(said, key=len)) < 500
    assert [line for line in said if "Traceback" in line or 'File "' in line] == []
    assert PASSWORD not in "".join(each.log for each in world.places.values())


def test_a_broker_whose_certificate_is_not_trusted_gets_no_password(
    world: World, tmp_path: Path
) -> None:
    world.expected_rows = 0
    other = Certificates(tmp_path)
    post = Post(Settings(broker=world.broker.url, broker_ca_file=str(other.ca_file)))
    with pytest.raises(BrokerError, match="CERTIFICATE_VERIFY_FAILED") as raised:
        post.is_taken("20260101-000000-abcdef")
    assert PASSWORD not in str(raised.value)


@pytest.mark.long
def test_a_worker_that_is_told_to_end_comes_to_the_end_of_its_run(world: World) -> None:
    ap = world.places["ap"]
    with world.holding() as process:
        os.kill(ap.process.pid, signal.SIGTERM)
        world.target.free.set()
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert ap.process.wait() == 0
