"""The command line of the comparison."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from smokegate.fault_proxy.certificates import Certificates
from smokegate.settings import Settings

from tests.system.lattice_process import UNHURRIED, LatticeProcess
from tests.system.replay_and_live.comparing import Comparison, compared


def main() -> int:
    """Compare, and exit 1 if replay and live differ anywhere."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.replay_and_live")
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        certificates = Certificates(Path(place))
        good = certificates.good()
        with LatticeProcess(Path(place), good, certificates.ca_file, UNHURRIED) as lattice:
            settings = Settings(url=lattice.url, url_given=True, ca_file=str(lattice.ca_file))
            found = compared(settings, Path(place), arguments.number, arguments.seed, _tell)
    differing = [each for each in found if not each.agrees]
    diverged = sum(each.diverged for each in found)
    print(f"{len(found)} mutants, {len(differing)} differ, {diverged} flagged as diverged")
    return int(bool(differing))


def _tell(comparison: Comparison) -> None:
    words = "the same" if comparison.agrees else f"{comparison.offline} / {comparison.live}"
    print(f"  {comparison.mutant.words}: {words}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
