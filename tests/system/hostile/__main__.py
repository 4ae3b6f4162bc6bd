"""The command line of the campaign."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from smokegate.fault_proxy.certificates import Certificates

from tests.system.hostile.campaign import Campaign, Figures, peak_mb
from tests.system.hostile.server import hostile_target

_MOST_MB = 200
_MOST_OVER_S = 1.0
_SHOWN_PROBLEMS = 20


def main() -> int:
    """Run a campaign; exit 1 if anything is wrong."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as place:
        certificates = Certificates(Path(place))
        with hostile_target(arguments.seed, certificates.good()) as target:
            campaign = Campaign(target, certificates.ca_file, Path(place))
            _run_all(campaign, arguments.replies, arguments.lot)
    return _judged(campaign.figures, timed=not arguments.untimed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.system.hostile", description=__doc__)
    parser.add_argument("replies", type=int, help="how many replies to send, at least")
    parser.add_argument("--seed", default="1", help="what the replies are drawn from")
    parser.add_argument("--lot", type=int, default=0, help="begin with this run")
    parser.add_argument(
        "--untimed",
        action="store_true",
        help="show how late an exchange ended, but do not judge it: other things run here as well",
    )
    return parser.parse_args()


def _run_all(campaign: Campaign, replies: int, lot: int) -> None:
    while campaign.figures.replies < replies:
        campaign.run_once(lot)
        lot += 1
        print(f"  {campaign.figures.in_words()}", file=sys.stderr)
    campaign.finish()


def _judged(figures: Figures, *, timed: bool) -> int:
    print("\n".join(figures.problems[:_SHOWN_PROBLEMS]), end="\n" if figures.problems else "")
    print(", ".join(f"{kind} {number}" for kind, number in figures.endings.most_common()))
    print(figures.in_words())
    late = timed and figures.longest_over_s > _MOST_OVER_S
    return int(bool(figures.problems) or late or peak_mb() > _MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
