"""A gate behind a real server, whose runs are processes that end as a test says."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from smokegate.history.store import Store
from smokegate.service.access.visitors import Rules
from smokegate.service.app import application
from smokegate.service.gate.gate import Gate
from smokegate.service.gate.github import GitHub
from smokegate.service.gate.ledger import Ledger
from smokegate.settings import load
from smokegate.targets import Target

from tests.gate.service.conftest import TOKEN
from tests.gate.service.serving import serving
from tests.system.command import ENDED_WITHIN_S

STAND_IN = Path(__file__).with_name("stand_in.py")


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Gates:
    """Starts gates on one folder, one after the other, as a service that is restarted does."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.clock = Clock()
        self._store = store
        self.settings: dict[str, Any] = {}
        self.names = ["shop", "blog"]
        self.pause: Any = None

    @contextmanager
    def open(self, rules: Rules | None = None) -> Iterator[httpx2.Client]:
        """Serve it; gives somebody who has the token."""
        settings = load({"journal": str(self.folder), **self.settings}, {}, self.folder)
        targets = {
            name: Target(name, load({"url": f"http://{name}.example"}, {}, self.folder), ())
            for name in self.names
        }
        github = GitHub(settings, *([self.pause] if self.pause else []))
        program = (sys.executable, "-I", str(STAND_IN), str(self.folder))
        gate = Gate(targets, Ledger(self.folder), program=program, clock=self.clock)
        app = application(
            self._store, rules or Rules(token=TOKEN), gate=gate, github=github, clock=self.clock
        )
        headers = {"authorization": f"Bearer {TOKEN}"}
        with (
            serving(app) as address,
            httpx2.Client(base_url=address, timeout=ENDED_WITHIN_S, headers=headers) as client,
        ):
            yield client

    def ends(self, how: str) -> None:
        """Let every run end so, those that are running too."""
        aside = self.folder / "ends.part"
        aside.write_text(how)
        aside.replace(self.folder / "ends")

    def goes_on(self) -> None:
        """Let the runs that begin from now on wait."""
        (self.folder / "ends").unlink()

    @property
    def said(self) -> list[str]:
        """What each run was told, in the order in which they began."""
        file = self.folder / "said"
        return file.read_text().splitlines() if file.exists() else []


def until(is_so: Callable[[], object]) -> None:
    """Wait for something that other processes do."""
    ends = time.monotonic() + ENDED_WITHIN_S
    while not is_so():
        assert time.monotonic() < ends, "it did not come about"
        time.sleep(0.01)


def is_there(pid: int) -> bool:
    """Whether a process is alive; one that nobody has waited for is not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
