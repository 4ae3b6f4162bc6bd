"""A watch in real time of a real Lattice that goes away in the middle and comes back.

    python -m tests.system.soak 600

watches for so many seconds, and exits 0 if the watch saw what was done and left nothing behind.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from smokegate.fault_proxy.certificates import Certificates
from smokegate.results import Action
from smokegate.watch.memory import Watched
from smokegate.watch.rounds import Result, Round

from tests.system.command import BIN, UNSAMPLED, Commands
from tests.system.lattice_process import UNHURRIED, LatticeProcess

ROUNDS = 60
_OUTAGE_ROUNDS = 6
_LATE_S = 2.0  # nothing drifts: after an hour as little as at first


def soak(for_s: float) -> list[str]:
    """Watch for so long, with an outage in the middle; what was not as it should be."""
    every_s = max(1.0, for_s / ROUNDS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificates = Certificates(folder)
        good = certificates.good()
        with LatticeProcess(folder, good, certificates.ca_file, UNHURRIED) as lattice:
            watching = _start(Commands(folder, UNSAMPLED), lattice, for_s, every_s)
            with watching:
                time.sleep(for_s / 2)
                lattice.stop()
                time.sleep(_OUTAGE_ROUNDS * every_s)
                lattice.start()
                watching.wait()
            left = sorted(path.name for path in (folder / "journal").glob("*.journal"))
        watched = msgspec.json.decode((folder / "watch.json").read_bytes(), type=Watched)
        return list(_wrong(watched, watching.returncode, left))


def _start(
    commands: Commands, lattice: LatticeProcess, for_s: float, every_s: float
) -> subprocess.Popen[str]:
    """Start the watch, which goes on in spite of the outage; it says here what it sees."""
    options = ("--for", f"{for_s:g}s", "--every", f"{every_s:g}s", "--keep-watching")
    target = ("--url", lattice.url, "--ca-file", str(lattice.ca_file))
    file = ("--json", str(commands.folder / "watch.json"))
    return subprocess.Popen(
        [BIN / "smokegate", "watch", *options, *target, *file],
        env=commands.environment,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def _wrong(watched: Watched, code: int, left: list[str]) -> Iterator[str]:
    changes = [change.after for change in watched.changes]
    if changes != [Action.ROLLBACK, Action.PROCEED]:
        yield f"the changes were {[each.value for each in changes]}"
    if code != 10:
        yield f"it exited {code}, and 10 is what a target comes to that has recovered"
    bad = [each.slot for each in watched.rounds if each.result is Result.BAD and not each.again]
    slots = max(bad) - min(bad) + 1 if bad else 0  # those that a slow round skipped are among them
    if not _OUTAGE_ROUNDS - 2 <= slots <= _OUTAGE_ROUNDS + 3:
        yield f"{slots} rounds were bad, of an outage of {_OUTAGE_ROUNDS}"
    late = [each.slot for each in watched.rounds if _lateness_s(watched, each) > _LATE_S]
    if late:
        yield f"rounds were late by more than {_LATE_S:g} s: {late}"
    if left or watched.left:
        yield f"left behind: {[*left, *watched.left]}"


def _lateness_s(watched: Watched, each: Round) -> float:
    """How late a round was; looks between slots and the last one, which is made up for, are not."""
    if each.again or each.slot == watched.schedule.last:
        return 0.0
    return each.at_s - watched.schedule.due_s(each.slot)


def main() -> int:
    """Soak for as long as the command line says."""
    wrong = soak(float(sys.argv[1]))
    for words in wrong or ["all as it should be"]:
        sys.stdout.write(f"soak: {words}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
