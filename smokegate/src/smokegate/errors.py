"""What can go wrong, as one tree.

SmokegateError
├── UsageError               the caller's: wrong arguments, unreadable configuration; exit 2
│   └── SuiteError           a suite that cannot be loaded or is put together wrongly
├── JournalError             a promise to clean up that could not be written to disk
├── AuditError               a fault that could not be acted out: the audit's own trouble
├── BrokerError              a broker that cannot be reached, between a run and its locations
├── HistoryError             the history's database: unreachable, foreign, newer or broken
├── ReportError              a result file that could not be written; also an OSError
└── CheckEnded               how a check or a resource ends early; never leaves the engine
├── ExpectationFailed    the target is wrong
├── NoReply              a request that was not answered; its trouble says whose fault it is
├── Throttled            the target asked to wait (429) longer than there is time
└── NotApplicable        the check does not apply to this target
"""

from __future__ import annotations

from collections.abc import Iterable


class SmokegateError(Exception):
    """The root of everything that smokegate raises."""


class UsageError(SmokegateError):
    """What the caller gave cannot be used; the message is one line with the next step."""


class SuiteError(UsageError):
    """A suite, a check or a resource is put together wrongly."""


class JournalError(SmokegateError):
    """The journal could not be flushed, so nothing may be created at the target."""


class AuditError(SmokegateError):
    """A fault could not be acted out, or not alone; what came of it is no result."""


class BrokerError(SmokegateError):
    """Locations cannot be asked, or not be heard, through the broker."""


class HistoryError(SmokegateError):
    """What the history's database does not do; a verdict stands without it."""


class ReportError(SmokegateError, OSError):
    """A result file could not be written; the verdict stands without it."""


class CheckEnded(SmokegateError):
    """How a check or a resource ends before its last line."""


class ExpectationFailed(CheckEnded):
    """An expectation did not hold; the evidence has it with what was seen."""


class NoReply(CheckEnded):
    """A request ended without a reply."""


class Throttled(CheckEnded):
    """The target answered 429 and the wait it asked for does not fit into the deadline."""


class NotApplicable(CheckEnded):
    """The check says that it does not apply here."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the known one that is most like it, if any."""
    from difflib import get_close_matches  # which takes long to import

    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
