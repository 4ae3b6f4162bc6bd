"""The command line of the campaign."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from smokegate.fault_proxy.certificates import Certificates

from tests.system.command import Commands
from tests.system.kills.campaign import Campaign
from tests.system.kills.database import OTHERS, Database, put_others
from tests.system.lattice_process import UNHURRIED, LatticeProcess

_EVERY = 10


def main() -> int:
    """Run a campaign; exit 1 if anything was left, or anything of others was touched."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        certificates = Certificates(folder)
        served = certificates.good()
        with LatticeProcess(folder, served, certificates.ca_file, UNHURRIED) as lattice:
            put_others(lattice)
            campaign = Campaign(_commands(folder, lattice), Database(folder), arguments.seed)
            _kill(campaign, arguments.kills)
        campaign.compare()  # what was asked for and not answered has been done by now, or never
    return _judged(campaign)


def _commands(folder: Path, lattice: LatticeProcess) -> Commands:
    settings = {
        "PRODUCTION_URL": lattice.url,
        "SMOKEGATE_CA_FILE": str(lattice.ca_file),
        "SMOKEGATE_SAMPLE_REQUESTS": "0",  # the sample makes nothing
    }
    return Commands(folder, settings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.system.kills", description=__doc__)
    parser.add_argument("kills", type=int, help="how many runs to kill")
    parser.add_argument("--seed", default="1", help="what the moments are drawn from")
    return parser.parse_args()


def _kill(campaign: Campaign, kills: int) -> None:
    print(f"a run takes {campaign.usual_s:.1f} s", file=sys.stderr)
    for number in range(1, kills + 1):
        campaign.kill_once()
        if number % _EVERY == 0:
            print(f"  {campaign.figures.in_words()}", file=sys.stderr, flush=True)


def _judged(campaign: Campaign) -> int:
    problems = campaign.figures.problems
    print("\n".join(problems), end="\n" if problems else "")
    print(campaign.figures.in_words())
    if not problems:
        print(f"0 accounts of ours, {len(OTHERS)} of others, every table row for row as before")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
