"""What `smokegate fleet` can be told on the command line."""

from __future__ import annotations

from typing import Any

from smokegate.arguments import count, described
from smokegate.locations.arguments import location

AT_ONCE = 32
PER_HOST = 8

_EXITS = """\
exit codes, that of the worst target:
  0 proceed or monitor   5 monitor with strict   10 investigate
  20 roll back           30 no verdict           2 wrong use
"""
_HELP = """\
Verify many targets side by side. FILE names them with their settings, see docs/fleet.md.

example:
  smokegate fleet fleet.toml
  smokegate fleet fleet.toml --select eu --select checkout
"""


def add_fleet(commands: Any) -> None:
    """Add `fleet` to the commands of a parser."""
    fleet = commands.add_parser("fleet", **described(_HELP, "verify many targets at once", _EXITS))
    fleet.add_argument("file", metavar="FILE", help="the targets, in TOML")
    fleet.add_argument(
        "--select",
        action="append",
        metavar="WORD",
        help="only targets with this name or tag; may be given again for more of them",
    )
    fleet.add_argument(
        "--at-once",
        type=count,
        default=AT_ONCE,
        metavar="N",
        help=f"verify so many at once ({AT_ONCE})",
    )
    fleet.add_argument(
        "--per-host",
        type=count,
        default=PER_HOST,
        metavar="N",
        help=f"and at most so many on one host ({PER_HOST})",
    )
    fleet.add_argument(
        "--distributed",
        type=location,
        metavar="LOCATION",
        help="let the workers of this location verify, see docs/locations.md",
    )
    fleet.add_argument("--results", metavar="DIR", help="where the report goes")
    fleet.add_argument("--json", metavar="FILE", help="write the report there too; - is stdout")
    fleet.add_argument("--list", action="store_true", help="list the targets and exit")
