"""What `smokegate worker` and `smokegate run --locations` can be told on the command line."""

from __future__ import annotations

import argparse
import re
from typing import Any

from smokegate.arguments import SUITES_FOLDER, described
from smokegate.locations import ALL, MAJORITY

_NAME = r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
_EXITS = "exit codes:\n  0 it was told to end   2 wrong use   30 it could not go on\n"
_HELP = """\
Verify from this place when a run asks for it: the target that is set here, with the suites and the
secrets that are here. What is asked comes through the broker of SMOKEGATE_BROKER.

example:
  PRODUCTION_URL=https://api.example.com smokegate worker --location eu
"""


def add_worker(commands: Any) -> None:
    """Add `worker` to the commands of a parser."""
    worker = commands.add_parser(
        "worker", **described(_HELP, "verify from one location when a run asks for it", _EXITS)
    )
    worker.add_argument(
        "paths", nargs="*", metavar="PATH", help=f"suites (default: {SUITES_FOLDER})"
    )
    worker.add_argument("--location", type=location, required=True, metavar="NAME", help="its name")
    worker.add_argument("--targets", metavar="FILE", help="verify any target of this file")


def add_locations(run: argparse.ArgumentParser) -> None:
    """Add what `run` can be told of locations."""
    run.add_argument("--locations", type=_names, metavar="NAMES", help="verify from these: a,b,c")
    run.add_argument(
        "--quorum",
        type=_quorum,
        metavar="QUORUM",
        help="how many must see a failure for it to be the target's: all (default), majority, N",
    )


def location(text: str) -> str:
    """The name of a location, for argparse."""
    if not re.fullmatch(_NAME, text):
        wrong = "a location has 1 to 32 small letters, digits and '-'"
        raise argparse.ArgumentTypeError(f"{text!r}: {wrong}")
    return text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(location(name.strip()) for name in text.split(","))
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text!r} has a location twice")
    return names


def _quorum(text: str) -> str:
    if text in (ALL, MAJORITY) or (text.isascii() and text.isdigit() and int(text) > 0):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not all, majority, or 1 or more")
