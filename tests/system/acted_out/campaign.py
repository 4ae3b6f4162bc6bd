"""Many runs of many rows, by several workers: it may be interrupted, and goes on where it was."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from multiprocessing.queues import Queue
from pathlib import Path

from tests.system.acted_out.rows import Result, Row
from tests.system.acted_out.stage import opened
from tests.system.acted_out.table import ROWS, act_out
from tests.system.command import ROOT

Task = tuple[str, int]


def results_in(folder: Path) -> list[Result]:
    """Read every result that campaigns have left in a folder."""
    file = _file(folder)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Result(**json.loads(line)) for line in lines]


def run(
    rows: Sequence[Row], runs: int, folder: Path, workers: int, tell: Callable[[str], None]
) -> bool:
    """Act each row out until the folder holds so many results of it; tell whether all ended well.

    `tell` hears of each result. What a flawed one left behind is kept in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = {(result.row, result.number) for result in results_in(folder)}
    tasks = [(row.id, number) for number in range(runs) for row in rows]
    left = [task for task in tasks if task not in done]
    workers = min(workers, len(left))
    processes = multiprocessing.get_context("spawn")
    queue: Queue[Task | None] = processes.Queue()
    for task in [*left, *[None] * workers]:
        queue.put(task)
    working = [processes.Process(target=_work, args=(queue, folder, tell)) for _ in range(workers)]
    for process in working:
        process.start()
    for process in working:
        process.join()
    queue.cancel_join_thread()
    return not any(process.exitcode for process in working)


def _work(queue: Queue[Task | None], folder: Path, tell: Callable[[str], None]) -> None:
    rows, commit = {row.id: row for row in ROWS}, _commit()
    with tempfile.TemporaryDirectory() as shared, opened(Path(shared)) as stage_in:
        while (task := queue.get()) is not None:
            row, number = rows[task[0]], task[1]
            own = Path(tempfile.mkdtemp(dir=shared))
            result = act_out(row, number, stage_in(own), commit)
            flaw = row.flaw(result)
            if flaw:
                shutil.copytree(own, folder / f"{row.id}-{number}", dirs_exist_ok=True)
            shutil.rmtree(own)
            _append(result, folder)
            tell(f"{row.id} {number}: {flaw or result.verdict}")


def _append(result: Result, folder: Path) -> None:
    """Add a line at once: workers share the file."""
    line = json.dumps(asdict(result)) + "\n"
    with _file(folder).open("ab", buffering=0) as file:
        file.write(line.encode())


def _file(folder: Path) -> Path:
    return folder / "results.jsonl"


def _commit() -> str:
    """Name the commit that is at work, with a plus where files differ from it."""
    commit = _git("rev-parse", "--short", "HEAD")
    differs = commit and _git("status", "--porcelain", "--untracked-files=no")
    return f"{commit or 'unknown'}{'+' if differs else ''}"


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip()
