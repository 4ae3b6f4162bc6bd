"""Places that verify one target for whoever asks, each with a network of its own."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from smokegate.fault_proxy.loop_thread import LoopThread
from smokegate.results import JudgedRun

from tests.lattice.servers import assert_in_the_end
from tests.system import place
from tests.system.command import BIN, ENDED_WITHIN_S, Commands, Done
from tests.system.place import Road
from tests.system.things import Things, write_suites
from tests.system.tls_broker import TlsBroker

SIGNING_KEY, ACCOUNTS = "a key that all locations share", "a-password-of-accounts"
RTT_S = {"eu": 0.01, "us": 0.05, "ap": 0.12}


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
    """A target, a broker, places, and whoever asks them."""

    def __init__(
        self,
        folder: Path,
        broker: TlsBroker,
        target: Things,
        loop: LoopThread,
        names: Sequence[str],
    ) -> None:
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
        self.places = {name: Place(name, self) for name in names}
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
        with closing(sqlite3.connect(self.history)) as connection:
            return [row[0] for row in connection.execute("SELECT run_id FROM runs ORDER BY id")]


@contextmanager
def serving(
    folder: Path, broker: TlsBroker, names: Sequence[str] = tuple(RTT_S)
) -> Iterator[World]:
    """Places of these names, at this broker, with a target of their own."""
    with broker, Things() as target, LoopThread() as loop:
        world = World(folder, broker, target, loop, names)
        yield world
        for each in world.places.values():
            if not each.has_ended:
                each.kill()
