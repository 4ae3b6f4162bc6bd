"""What `smokegate watch` can be told on the command line."""

from __future__ import annotations

import argparse
import re
from typing import Any

from smokegate.arguments import SUITES_FOLDER, count, described

_EXITS = """\
exit codes:
  0 it stayed well    5 monitor with --strict   10 investigate
  20 roll back        30 no verdict             2 wrong use
"""
_HELP = """\
Watch a deployment: verify it again and again, and tell what changes. A watch that was interrupted
goes on where it was.

example:
  smokegate watch --url https://api.example.com --expect-version 1.4.2
  smokegate watch --for 30m --every 30s --json watch.json
"""
_UNITS_S = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LONGEST_S = 30 * 86_400
_ALL = 100


def add_watch(commands: Any) -> None:
    """Add `watch` to the commands of a parser."""
    watch = commands.add_parser(
        "watch", **described(_HELP, "after a deployment, verify again and again", _EXITS)
    )
    watch.add_argument("paths", nargs="*", metavar="PATH", help=f"suites to run ({SUITES_FOLDER})")
    watch.add_argument("--url", help="the target (default: PRODUCTION_URL)")
    watch.add_argument(
        "--for",
        dest="for_s",
        type=_duration_s,
        default=7_200.0,
        metavar="TIME",
        help="2h unless said",
    )
    watch.add_argument(
        "--every",
        dest="every_s",
        type=_duration_s,
        default=60.0,
        metavar="TIME",
        help="60s unless said",
    )
    watch.add_argument(
        "--full-every",
        type=count,
        default=10,
        metavar="N",
        help="every Nth has all checks (10)",
    )
    watch.add_argument(
        "--objective", type=_percent, default=99.5, metavar="PERCENT", help="of good rounds (99.5)"
    )
    watch.add_argument(
        "--keep-watching", action="store_true", help="do not end at a confirmed rollback"
    )
    watch.add_argument("--expect-version", metavar="VERSION", help="what the target should serve")
    watch.add_argument("--environment", metavar="NAME", help="shown in reports (production)")
    watch.add_argument("--ca-file", metavar="FILE", help="trust this authority")
    watch.add_argument("--strict", action="store_true", default=None, help="monitor exits 5, not 0")
    watch.add_argument("--results", metavar="DIR", help="where the result files go")
    watch.add_argument("--json", metavar="FILE", help="write the watch there too; - is stdout")


def _duration_s(text: str) -> float:
    parts = re.fullmatch(r"(\d{1,8}(?:\.\d{1,3})?)([smhd]?)", text)
    duration_s = float(parts[1]) * _UNITS_S[parts[2]] if parts else 0.0
    if not 1 <= duration_s <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 90s, 5m or 2h, from 1 s to 30 days")
    return duration_s


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 < percent < _ALL:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 100")
    return percent
