"""Notices made by hand."""

from __future__ import annotations

from typing import Any

import msgspec
from smokegate.notify.notice import Circumstances, Kind, Link, Notice, notice_of
from smokegate.reports.escaping import one_line
from smokegate.results import JudgedRun, Outcome
from smokegate.settings import Settings

from tests.gate.history.runs import failing, judged
from tests.gate.samples import result

# What a target may say to be seen as something else, or to keep an alert from arriving.
HOSTILE = (
    '<!channel> <!here> <@U123> &lt; &amp; <https://evil.example|your bank> :tada: @here "\r\n.\r\n'
    "\x00\x1b[31m\u202e\ud800 " + "\U0001f4a5&<>" * 3_000
)

LONG = one_line(HOSTILE, 1_000)


def notice(kind: Kind = Kind.OPENED, made: JudgedRun | None = None, **changes: Any) -> Notice:
    """What is told of a run; that of `failing` unless said."""
    around = Circumstances("smokegate-0123", "2026-01-01T00:00:02Z", 1, "0.9.0")
    there = notice_of(kind, made or failing(), around, Settings(), None)
    return msgspec.structs.replace(there, **changes)


def hostile(kind: Kind = Kind.OPENED) -> Notice:
    """One of a run in which everything that a target or a person can set means harm."""
    bad = [
        result(f"c{number}", Outcome.FAILED, suite="health", reason=f"{number} {HOSTILE}")
        for number in range(6)
    ]
    made = failing(1, checks=bad, environment=HOSTILE, target=HOSTILE, version=HOSTILE)
    return notice(
        kind, judged(made), links=[Link("run", "https://example.com/<!channel>|x")], change=LONG
    )
