"""Where rows are acted out: a Lattice, its certificates, and commands that verify it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread
from smokegate.results import JudgedRun, from_json
from smokegate.verdict import exit_code

from tests.system import names
from tests.system.command import BIN, Commands, Done
from tests.system.lattice_process import UNHURRIED, LatticeProcess

SMOKEGATE = BIN / "smokegate"


class NoStageError(Exception):
    """This system does not let the row be acted out; the text says what is missing."""


class MisbehavedError(Exception):
    """A command did not end as commands do."""


@dataclass(frozen=True)
class Stage:
    """What every act begins with; `folder` is empty, and the act's own."""

    folder: Path
    certificates: Certificates
    lattice: LatticeProcess
    loop: LoopThread


@dataclass(frozen=True)
class Scene:
    """A target with something acted out, and how to verify it.

    `acted` counts, after the runs, how often it was acted out; `settings` are smokegate's, by
    key; `begin` begins the command, in another namespace say; `at_once` is how many runs there
    are.
    """

    url: str
    acted: Callable[[Sequence[JudgedRun]], int]
    settings: Mapping[str, object] = field(default_factory=dict)
    arguments: Sequence[str | Path] = ()
    begin: Sequence[str | Path] = ()
    at_once: int = 1


# An act is given the number of the run, from 0, to draw what differs from run to run.
Act = Callable[[Stage, int], AbstractContextManager[Scene]]


@dataclass(frozen=True)
class Performance:
    """The runs that verified a scene, and how often it was acted out meanwhile."""

    runs: Sequence[JudgedRun]
    acted: int
    duration_s: float

    @property
    def worst(self) -> JudgedRun:
        return max(self.runs, key=lambda run: run.verdict.action.severity)

    @property
    def caught(self) -> Sequence[str]:
        """The checks and probes that did not pass in any of the runs."""
        failed = (each.id for run in self.runs for each in run.everything if each.outcome.fails)
        return tuple(dict.fromkeys(failed))


def need(is_there: bool, what: str) -> None:
    """Raise `NoStageError` unless this system has what an act needs."""
    if not is_there:
        raise NoStageError(f"this needs {what}")


def perform(act: Act, stage: Stage, number: int, settings: Mapping[str, object]) -> Performance:
    """Act out once and verify it, with these settings where the scene has none of its own.

    Raises `NoStageError`, `MisbehavedError`.
    """
    with act(stage, number) as scene:
        started_s = time.monotonic()
        runs = verify(scene, stage, {**settings, **scene.settings})
        duration_s = time.monotonic() - started_s
        return Performance(runs, scene.acted(runs), duration_s)


def verify(scene: Scene, stage: Stage, settings: Mapping[str, object]) -> Sequence[JudgedRun]:
    """Verify a scene as often at once as it wants; raises `MisbehavedError`."""
    target = {"url": scene.url, "ca_file": stage.certificates.ca_file, **settings}
    variables = {f"SMOKEGATE_{key.upper()}": str(value) for key, value in target.items()}
    run = partial(_run, Commands(stage.folder, variables), scene)
    with ThreadPoolExecutor(scene.at_once) as pool:
        return list(pool.map(run, range(scene.at_once)))


def _run(commands: Commands, scene: Scene, number: int) -> JudgedRun:
    file = commands.folder / f"run-{number}.json"
    done = commands(*scene.begin, SMOKEGATE, "run", "--json", file, *scene.arguments)
    if not file.exists():
        raise MisbehavedError(f"exit {done.code} and no run: {done.text[-500:]}")
    run = from_json(file.read_bytes())
    _refuse_misbehaviour(done, run)
    return run


def _refuse_misbehaviour(done: Done, run: JudgedRun) -> None:
    wanted = exit_code(run.verdict, strict=False)
    if done.code != wanted:
        raise MisbehavedError(f"exit {done.code} at {run.verdict.action.value}")
    if "Traceback" in done.err:
        raise MisbehavedError(f"a traceback: {done.err[-500:]}")


@contextmanager
def opened(folder: Path) -> Iterator[Callable[[Path], Stage]]:
    """Start what every stage of a campaign shares; gives a stage for a folder of its own."""
    certificates = Certificates(folder, names.CERTIFIED)
    lattice = LatticeProcess(folder, certificates.good(), certificates.ca_file, UNHURRIED)
    with lattice, LoopThread() as loop:
        yield lambda own: Stage(own, certificates, lattice, loop)
