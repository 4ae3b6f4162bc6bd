"""What `smokegate notify` can be told on the command line."""

from __future__ import annotations

from typing import Any

from smokegate.arguments import described

_HELP = "Try the channels that alerts go through."
_TEST = """\
Send a message through every channel that is set, and say what happened. PagerDuty gets an alert of
severity info that is resolved at once; no incident of a target is touched.

example:
  SMOKEGATE_ALERT_SLACK=https://hooks.slack.com/services/... smokegate notify test
"""
_EXITS = "exit codes:\n  0 all took it   1 some did not   2 none is set, or wrong use\n"


def add_notify(commands: Any) -> None:
    """Add `notify` to the commands of a parser."""
    notify = commands.add_parser(
        "notify",
        **described(
            f"{_HELP}\n\nexample:\n  smokegate notify test\n", "try the channels of alerts", _EXITS
        ),
    )
    questions = notify.add_subparsers(dest="question", metavar="WHAT", required=True)
    questions.add_parser("test", **described(_TEST, "send a message through every channel", _EXITS))
