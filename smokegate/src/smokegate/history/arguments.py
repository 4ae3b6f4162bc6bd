"""What can be asked of the history on the command line."""

from __future__ import annotations

import argparse
import re
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from smokegate.arguments import count, described

VERDICTS = ("proceed", "monitor", "inconclusive", "investigate", "rollback")
LABELS = ("false-alarm", "true-alarm", "missed", "none")
_YEAR_9999_S = 253_370_764_800
_SECONDS = {"h": 3_600, "d": 86_400, "w": 604_800}
_EXITS = (
    "exit codes:\n  0 done   1 the answer could not be written   2 wrong use, no such run\n"
    "  30 the history cannot be reached\n"
)
_HELP = """\
What every run left behind: which there were, how long checks take, which are flaky, how soon a
bad deployment was noticed, and how often the alarm was false.

example:
  smokegate history list --since 7d --verdict rollback
  smokegate history show 20260131-1200
  smokegate history trends --environment production
"""

_described = partial(described, exits=_EXITS)


def add_history(commands: Any) -> None:
    """Add `history` to the commands of a parser."""
    history = commands.add_parser("history", **_described(_HELP, "ask what earlier runs found"))
    questions = history.add_subparsers(dest="question", metavar="QUESTION", required=True)
    _add_list(questions)
    _add_show(questions)
    _add_trends(questions)
    _add_deployed(questions)
    _add_label(questions)
    _add_prune(questions)


def moment_ms(text: str) -> int:
    """Milliseconds since 1970 of a moment: 7d, 12h or 2w before now, or a day or time in ISO 8601.

    What has no offset is in UTC.
    """
    ago = re.fullmatch(r"(\d{1,5})([hdw])", text)
    if ago:
        return _since_1970(time.time() - int(ago[1]) * _SECONDS[ago[2]], text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither like 7d nor like 2026-01-31"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _since_1970(moment.timestamp(), text)


def _since_1970(at_s: float, text: str) -> int:
    """Milliseconds of a moment that every calendar here knows."""
    if not 0 <= at_s < _YEAR_9999_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not between the years 1970 and 9999")
    return round(at_s * 1000)


def _add_list(questions: Any) -> None:
    asked = questions.add_parser(
        "list",
        **_described(
            "List the runs, the newest first.\n\nexample:\n"
            "  smokegate history list --environment production --since 7d\n",
            "list the runs",
        ),
    )
    _add_narrowing(asked, "list those that began since then, as in 7d, 12h or 2026-01-31")
    asked.add_argument("--verdict", choices=VERDICTS, help="only runs that came to this one")
    asked.add_argument("--before", metavar="RUN", help="only runs older than this one")
    _add_limit(asked, 20, "how many (20)")
    _add_json(asked)


def _add_show(questions: Any) -> None:
    asked = questions.add_parser(
        "show",
        **_described(
            "Show what is kept of a run; the newest unless told.\n\nexample:\n"
            "  smokegate history show 20260131-120000\n",
            "show one run",
        ),
    )
    asked.add_argument("run", nargs="?", metavar="RUN", help="its id, or how that begins")
    asked.add_argument("--environment", metavar="NAME", help="the newest run of this one")
    _add_json(asked)


def _add_trends(questions: Any) -> None:
    asked = questions.add_parser(
        "trends",
        **_described(
            "Show how the gate fares, or one suite or check, day by day.\n\nexample:\n"
            "  smokegate history trends --environment production --since 90d\n"
            "  smokegate history trends --suite workflows\n"
            "  smokegate history trends test_user_login_flow\n",
            "show measures and trends",
        ),
    )
    asked.add_argument("check", nargs="?", metavar="CHECK", help="its id, or a part of it")
    asked.add_argument("--suite", metavar="NAME", help="only this suite")
    _add_narrowing(asked, "from then on, as in 30d or 2026-01-31 (30d)", default="30d")
    _add_limit(asked, 5, "how many entries its lists have (5)")
    _add_json(asked)


def _add_deployed(questions: Any) -> None:
    asked = questions.add_parser(
        "deployed",
        **_described(
            "Note that a version was deployed, just now unless told. Whoever deploys calls it, so\n"
            "that the time to detection is known and changes are seen where they were made.\n\n"
            "example:\n  smokegate history deployed 1.4.2 --url https://api.example.com\n",
            "note that a version was deployed",
        ),
    )
    asked.add_argument("version", metavar="VERSION", help="as the target will say it")
    asked.add_argument("--url", help="the target (default: PRODUCTION_URL)")
    asked.add_argument("--environment", metavar="NAME", help="where (production)")
    asked.add_argument(
        "--at", type=moment_ms, metavar="MOMENT", help="when, as in 2026-01-31T12:00:00Z (now)"
    )
    _add_json(asked)


def _add_label(questions: Any) -> None:
    asked = questions.add_parser(
        "label",
        **_described(
            "Say what a verdict was worth once the truth is known: an alarm was false or true, or\n"
            "a problem was missed. `none` takes a label away.\n\nexample:\n"
            "  smokegate history label 20260131-1200 false-alarm --note 'the clock was off'\n",
            "say whether an alarm was false",
        ),
    )
    asked.add_argument("run", metavar="RUN", help="its id, or how that begins")
    asked.add_argument("label", choices=LABELS, metavar="LABEL", help=", ".join(LABELS))
    asked.add_argument("--note", metavar="TEXT", default=None, help="why")
    _add_json(asked)


def _add_prune(questions: Any) -> None:
    asked = questions.add_parser(
        "prune",
        **_described(
            "Remove old runs with all that is kept of them. What was counted of them stays: pass\n"
            "rates by day and Prometheus' counters do not change.\n\nexample:\n"
            "  smokegate history prune --older-than 90d\n",
            "remove old runs",
        ),
    )
    asked.add_argument(
        "--older-than",
        required=True,
        type=moment_ms,
        metavar="AGE",
        help="remove what began before then, as in 90d or 2026-01-31",
    )
    asked.add_argument("--dry-run", action="store_true", help="only say how many there are")
    _add_json(asked)


def _add_narrowing(asked: Any, since: str, *, default: str | None = None) -> None:
    asked.add_argument("--environment", metavar="NAME", help="only of this one")
    asked.add_argument("--since", type=moment_ms, default=default, metavar="AGE", help=since)


def _add_limit(asked: Any, default: int, words: str) -> None:
    asked.add_argument("--limit", type=count, default=default, metavar="N", help=words)


def _add_json(asked: Any) -> None:
    asked.add_argument("--json", action="store_true", help="print JSON instead")
