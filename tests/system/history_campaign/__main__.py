"""Write into a history with eight processes at once, kill one every now and then, and look.

Exits 1 if anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.gate.history.postgres import DATABASES, database_of_kind
from tests.system.history_campaign.campaign import Campaign
from tests.system.history_campaign.judging import problems


def main() -> int:
    """Run a campaign on each database."""
    arguments = _arguments()
    found = [_campaign(each, arguments) for each in arguments.database or DATABASES]
    return int(any(found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.history_campaign", description=__doc__
    )
    parser.add_argument("seconds", type=float, help="how long to write, on each database")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    parser.add_argument("--seed", default="1", help="what the moments are drawn from")
    return parser.parse_args()


def _campaign(database: str, arguments: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as place, database_of_kind(database, Path(place)) as url:
        campaign = Campaign(url, Path(place) / "ledgers", arguments.seed)
        campaign.run(arguments.seconds)
        found = problems(url, campaign.ledgers, campaign.journals)
        print("\n".join(found), end="\n" if found else "")
        print(f"{database}: {campaign.in_words()}, {len(found) or 'nothing'} lost or doubled")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
