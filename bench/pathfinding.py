"""How quick the search for paths is, and in how much memory, beside the best libraries.

    .venv/bin/python -m bench.pathfinding [--repeats 5] [--case 30³] [--library scipy]

Needs the dependency group `bench`, which `make bench` installs. Every library gets the same grid,
with its obstacles as an array, and must return the same length; building its graph is part of its
time. All take turns in one process, with one thread each; shown are medians of its processor time,
which what else runs on the machine hardly changes, and how many times Lattice's own they are. What
takes seconds is measured once. Memory is what a process of its own grows by at most, from having
the grid to having the answer.

The first six cases lead from corner to corner through 20% obstacles at random. The others are
hard for Lattice's search: there is no straight way, or none at all.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from random import Random
from statistics import median

import numpy as np
from lattice.lattices.grid import Connectivity
from lattice.pathfinding.field import Grid
from numpy.typing import NDArray

from bench.path_libraries import LIBRARIES

REPEATS = 5
ONCE_FROM_S = 2.0
MEBIBYTE = 1 << 20

Case = tuple[Grid, Sequence[int], Sequence[int]]


def scattered(extents: Sequence[int], connectivity: Connectivity, share: float = 0.2) -> Case:
    """Obstacles at random, but for the surroundings of the corners."""
    free = np.random.default_rng(1).random(extents) >= share
    for corner in (slice(None, 4), slice(-4, None)):
        free[(corner,) * free.ndim] = True
    return _between_corners(free, connectivity)


def maze(extent: int) -> Case:
    """One way between any two cells, as winding as can be."""
    free = np.zeros((extent, extent), dtype=bool)
    free[0, 0] = True
    random, way = Random(1), [(0, 0)]
    while way:
        row, column = way[-1]
        moves = [
            (down, right)
            for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0))
            if 0 <= row + 2 * down < extent and 0 <= column + 2 * right < extent
            if not free[row + 2 * down, column + 2 * right]
        ]
        if not moves:
            way.pop()
            continue
        down, right = random.choice(moves)
        free[row + down, column + right] = free[row + 2 * down, column + 2 * right] = True
        way.append((row + 2 * down, column + 2 * right))
    return _between_corners(free, "axis")


def walled_in(extents: Sequence[int]) -> Case:
    """No way to the goal, in a grid without any other obstacle."""
    free = np.ones(extents, dtype=bool)
    free[tuple(slice(extent - 2, None) for extent in extents)] = False
    return _between_corners(free, "axis")


def _between_corners(free: NDArray[np.bool_], connectivity: Connectivity) -> Case:
    start, goal = [0] * free.ndim, [extent - 1 for extent in free.shape]
    free[tuple(start)] = free[tuple(goal)] = True
    return Grid(free.shape, np.argwhere(~free), connectivity), start, goal


CASES: dict[str, Callable[[], Case]] = {
    "30³ axis": partial(scattered, (30,) * 3, "axis"),
    "30³ diagonal": partial(scattered, (30,) * 3, "diagonal"),
    "100³ axis": partial(scattered, (100,) * 3, "axis"),
    "100³ diagonal": partial(scattered, (100,) * 3, "diagonal"),
    "1000² axis": partial(scattered, (1000,) * 2, "axis"),
    "1000² diagonal": partial(scattered, (1000,) * 2, "diagonal"),
    "1000² axis, 35%": partial(scattered, (1000,) * 2, "axis", 0.35),
    "100³ axis, goal walled in": partial(walled_in, (100,) * 3),
    "999² maze": partial(maze, 999),
    "10⁶ axis": partial(scattered, (10,) * 6, "axis"),
}


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.pathfinding")
    parser.add_argument("--case", choices=CASES, action="append", help="only this one")
    parser.add_argument("--library", choices=LIBRARIES, action="append", help="only this one")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.peak:
        print(_peak_bytes(asked.case[0], asked.library[0]))
        return
    names = [name for name in asked.library or LIBRARIES if _is_there(name)]
    os.environ["OMP_NUM_THREADS"] = "1"
    print(f"| | {' | '.join(names)} |")
    print("|---|" + "---|" * len(names))
    for case in asked.case or CASES:
        print(_row(case, names, asked.repeats), flush=True)


def _is_there(name: str) -> bool:
    if find_spec(name):
        return True
    print(f"{name} is not installed: make bench", file=sys.stderr)
    return False


def _row(case: str, names: Sequence[str], repeats: int) -> str:
    grid, start, goal = CASES[case]()
    able = [name for name in names if _takes(name, grid)]
    times_s: dict[str, list[float]] = {name: [] for name in able}
    lengths = set()
    for _ in range(repeats):
        for name in able:
            if times_s[name] and times_s[name][0] > ONCE_FROM_S:
                continue
            gc.collect()
            began = time.process_time()
            lengths.add(LIBRARIES[name][0](grid, start, goal))
            times_s[name].append(time.process_time() - began)
    if len(lengths) != 1:
        raise SystemExit(f"{case}: the libraries do not agree: {lengths}")
    cells = [_cell(case, name, able[0], times_s) for name in names]
    return f"| {case} | {' | '.join(cells)} |"


def _cell(case: str, name: str, first: str, times_s: dict[str, list[float]]) -> str:
    if name not in times_s:
        return ""
    took_s, ours_s = median(times_s[name]), median(times_s[first])
    grown_mib = _measured_peak_bytes(case, name) / MEBIBYTE
    ratio = "" if name == first else f" (x {took_s / ours_s:.1f})"
    return f"{took_s * 1000:.1f} ms{ratio}, {grown_mib:.1f} MiB"


def _takes(name: str, grid: Grid) -> bool:
    dimensions = LIBRARIES[name][1]
    return dimensions is None or len(grid.dimensions) in dimensions


def _measured_peak_bytes(case: str, name: str) -> int:
    command = [sys.executable, "-m", "bench.pathfinding", "--peak"]
    command += ["--case", case, "--library", name]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _peak_bytes(case: str, name: str) -> int:
    """How much the memory of this process grows by one search; only Linux tells."""
    find = LIBRARIES[name][0]
    find(*scattered((5, 5), "axis"))  # imports what it needs
    grid, start, goal = CASES[case]()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = _status_bytes("VmRSS")
    find(grid, start, goal)
    return _status_bytes("VmHWM") - before


def _status_bytes(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (kibibytes,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(kibibytes) * 1024


if __name__ == "__main__":
    main(sys.argv[1:])
