"""What it costs to verify a fleet, and whether it names every broken target and no other.

    .venv/bin/python -m bench.fleet [NUMBER ...]

Real HTTP servers on loopback, one in fifty of them broken in some way, verified by one process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.system.many_servers import fleet_file, many_servers

NUMBERS = (10, 100, 1_000)
ONE_IN = 50
AT_ONCE = "64"


def main() -> None:
    """Measure and print the table."""
    numbers = [int(each) for each in sys.argv[1:]] or list(NUMBERS)
    print("| targets | wall | per target | processor time | peak memory | broken | named |")
    print("|---|---|---|---|---|---|---|")
    for number in numbers:
        print(_row(number), flush=True)


def _row(number: int) -> str:
    with tempfile.TemporaryDirectory() as name, many_servers(number, ONE_IN) as servers:
        folder = Path(name)
        command = [sys.executable, "-m", "smokegate", "fleet", str(fleet_file(folder, servers))]
        command += ["--at-once", AT_ONCE, "--per-host", AT_ONCE, "--results", str(folder / "r")]
        environ = os.environ | {"SMOKEGATE_JOURNAL": str(folder / "journal")}
        began_s = time.perf_counter()
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began_s
        (report,) = (folder / "r").glob("fleet_*.json")
        targets = json.loads(report.read_bytes())["targets"]
    named = {each["name"] for each in targets if each["action"] != "proceed"}
    broken = {each.name for each in servers if each.broken}
    right = "all and no other" if named == broken else f"WRONG: {sorted(named ^ broken)}"
    return (
        f"| {number} | {wall_s:.1f} s | {wall_s / number * 1000:.0f} ms "
        f"| {used.ru_utime + used.ru_stime:.1f} s | {used.ru_maxrss / 1024:.0f} MB "
        f"| {len(broken)} | {right} |"
    )


if __name__ == "__main__":
    main()
