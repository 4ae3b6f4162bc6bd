"""What `smokegate audit` can be told on the command line."""

from __future__ import annotations

import argparse
from typing import Any

from smokegate.arguments import SUITES_FOLDER, count, described

_EXITS = """\
exit codes:
  0 it ran   1 the score is below --fail-under   2 wrong use
  30 it could not be done
"""
_HELP = """\
Prove that the suites can fail: record live runs, break the replies in thousands of
ways, and show which check notices which fault, and what nobody notices.

example:
  smokegate audit --url https://staging.example.com --html audit.html
  smokegate audit --demo
"""


def add_audit(commands: Any) -> None:
    """Add `audit` to the commands of a parser."""
    audit = commands.add_parser(
        "audit", **described(_HELP, "prove that the suites can fail", _EXITS)
    )
    audit.add_argument(
        "paths", nargs="*", metavar="PATH", help=f"suites to audit (default: {SUITES_FOLDER})"
    )
    audit.add_argument("--url", help="the target (default: PRODUCTION_URL)")
    audit.add_argument("--ca-file", metavar="FILE", help="trust this authority as well")
    audit.add_argument(
        "--demo", action="store_true", help="audit against a Lattice API that is started for it"
    )
    audit.add_argument("--save-recording", metavar="FILE", help="keep the recording")
    audit.add_argument("--recording", metavar="FILE", help="audit a recording, without a network")
    audit.add_argument(
        "--openapi", metavar="FILE", help="what replies promise (default: openapi.json beside them)"
    )
    audit.add_argument(
        "--live", action="store_true", help="act out in front of the target what no replay shows"
    )
    audit.add_argument(
        "--benign", action="store_true", help="act out what healthy deployments show, for the rate"
    )
    audit.add_argument(
        "--runs", type=count, default=10, metavar="N", help="of each with --benign (10)"
    )
    audit.add_argument(
        "--i-own-this-target", action="store_true", help="act out faults although it is production"
    )
    audit.add_argument("--json", metavar="FILE", help="write the result there; - is stdout")
    audit.add_argument("--html", metavar="FILE", help="write the matrix as a page")
    audit.add_argument(
        "--fail-under", type=_share, default=0.0, metavar="SCORE", help="0 to 1; exit 1 below it"
    )
    audit.add_argument(
        "--processes", type=count, default=0, metavar="N", help="default: one for each core"
    )
    audit.add_argument("-v", "--verbose", action="store_true", help="list every survivor")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return share
