"""All trials of an audit, spread over processes; the result does not depend on how many."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from smokegate import engine
from smokegate.audit.isolation import isolated
from smokegate.audit.mutants import Mutant
from smokegate.audit.recording import Recording
from smokegate.audit.rehearsal import Rehearsal
from smokegate.audit.semantic import declared_in
from smokegate.audit.trials import Finding, HarnessError, Trials
from smokegate.audit.virtual_loop import in_virtual_loop
from smokegate.engine import Plan
from smokegate.settings import Settings

# Below this the processes would take longer to start than to work.
_FEWEST_FOR_PROCESSES = 2_000
_CHUNK = 250


class Job(msgspec.Struct, frozen=True):
    """What a process needs to rehearse by itself."""

    paths: list[Path]
    settings: Settings
    recording: Recording


def run(job: Job, plan: Plan, mutants: list[Mutant], *, processes: int) -> list[Finding]:
    """Try all mutants; the findings are in their order."""
    if processes == 1 or len(mutants) < _FEWEST_FOR_PROCESSES:
        return _tried(job, plan, mutants)
    findings: list[Finding] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, (job,)) as pool:
        for done in pool.map(_try_chunk, _chunks(mutants)):
            findings += done
    return findings


def rehearsed(job: Job, plan: Plan) -> Rehearsal:
    """The rehearsal of a job's recording."""
    rehearsal = Rehearsal(plan, job.settings, job.recording)
    with isolated():
        in_virtual_loop(rehearsal.play)
    return rehearsal


def _tried(job: Job, plan: Plan, mutants: list[Mutant]) -> list[Finding]:
    _begin_with(job, plan)
    return _try_chunk(mutants)


def _begin(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that waits is told, and ends this
    _begin_with(job, engine.load(job.paths, job.settings))


def _begin_with(job: Job, plan: Plan) -> None:
    _Process.rehearsal = rehearsed(job, plan)
    _Process.trials = Trials(_Process.rehearsal, declared_in(plan))


class _Process:
    """What one process keeps from chunk to chunk."""

    trials: Trials
    rehearsal: Rehearsal


def _try_chunk(mutants: list[Mutant]) -> list[Finding]:
    async def all_of_them() -> list[Finding]:
        findings = [await _Process.trials.try_out(mutant) for mutant in mutants]
        await _refuse_spoilt_replies(_Process.rehearsal)
        return findings

    with isolated():
        return in_virtual_loop(all_of_them)


async def _refuse_spoilt_replies(rehearsal: Rehearsal) -> None:
    """Replies are shared between trials: who changes one spoils it for all after it."""
    changed = await rehearsal.changed_by_now()
    if changed:
        raise HarnessError(
            f"{changed[0]} ends otherwise after the trials than before: it, or a fault in "
            "mutants.py, changes replies in place; let it copy them first"
        )


def _chunks(mutants: list[Mutant]) -> Iterator[list[Mutant]]:
    for begin in range(0, len(mutants), _CHUNK):
        yield mutants[begin : begin + _CHUNK]
