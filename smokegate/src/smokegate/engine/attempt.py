"""One attempt at a check or a resource: run it within its deadline and say how it ended."""

from __future__ import annotations

import asyncio
import linecache
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from smokegate.client import Client, Evidence, Session
from smokegate.client.evidence import failure_in_words
from smokegate.client.record import redacted
from smokegate.engine.output import kept
from smokegate.errors import CheckEnded, ExpectationFailed, JournalError, NoReply, NotApplicable
from smokegate.results import Attempt, Consequence, Expectation, Outcome

_TRACEBACK_CHARS = 20_000
# Where pytest says that its outcomes are defined, in older and newer releases.
_PYTEST_MODULES = ("builtins", "_pytest.outcomes")
_OUR_FOLDER = str(Path(__file__).parents[1])

Work = Callable[[Client], Awaitable[Any]]


class Ended:
    """How an attempt ended: its record, and the value that a resource's attempt made."""

    def __init__(self, attempt: Attempt, evidence: Evidence, value: Any) -> None:
        self.attempt = attempt
        self.evidence = evidence
        self.value = value

    @property
    def outcome(self) -> Outcome:
        """The attempt's outcome."""
        return self.attempt.outcome


class Attempts:
    """Makes attempts on behalf of one run."""

    def __init__(self, session: Session, deadline_s: float) -> None:
        self._session = session
        self._deadline_s = deadline_s
        self.interrupted = ""

    async def make(
        self, owner: str, number: int, consequence: Consequence, work: Work, *, fresh: bool = False
    ) -> Ended:
        """Run `work` with a client of its own; only an interruption from outside passes through."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        text = self._session.redactor.text
        evidence = Evidence(f"{owner}#{number}", consequence, started + self._deadline_s, text)
        value: Any = None
        error: BaseException | None = None
        try:
            with kept() as output:
                async with asyncio.timeout_at(evidence.deadline) as limit:
                    value = await work(Client(self._session, evidence, fresh=fresh))
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except asyncio.CancelledError as cancelled:
            if not self.interrupted:
                raise
            error = cancelled
        except BaseException as caught:  # pytest's own outcomes derive from it
            error = _deadline_error(evidence, limit, caught)
        evidence.closed = True
        await _end_stray_requests(evidence)
        outcome, reason = _outcome(evidence, error, self.interrupted)
        attempt = Attempt(
            number=number,
            outcome=outcome,
            reason=text(reason),
            started_s=round(started - self._session.started, 6),
            duration_s=round(loop.time() - started, 6),
            expectations=[_redacted(each, text) for each in evidence.expectations],
            exchanges=[redacted(each, self._session.redactor) for each in evidence.exchanges],
            output=text(str(output)),
            traceback=text(_traceback(error, outcome))[-_TRACEBACK_CHARS:],
        )
        return Ended(attempt, evidence, value)


def _outcome(  # noqa: PLR0911 - one return for each way to end
    evidence: Evidence, error: BaseException | None, interrupted: str
) -> tuple[Outcome, str]:
    """Decide from what was recorded first, so that a swallowed failure still counts."""
    errors = [*evidence.ended, *_leaves(error)]
    hard = next((each for each in errors if _is_target_fault(each, evidence)), None)
    if hard is not None:
        mild = evidence.consequence is Consequence.WARN and not evidence.failures
        return (Outcome.WARNED if mild else Outcome.FAILED), describe(hard)
    if isinstance(error, asyncio.CancelledError):
        return Outcome.UNKNOWN, f"interrupted by {interrupted}"
    ours = next((each for each in errors if not isinstance(each, NotApplicable)), None)
    if evidence.trouble_on_our_side or (ours is not None and not _is_skip(ours)):
        return Outcome.UNKNOWN, evidence.trouble_on_our_side or describe(ours)
    if evidence.failures:
        return Outcome.FAILED, _worst_failure(evidence)
    if errors:
        return Outcome.SKIPPED, describe(errors[0])
    if evidence.warnings:
        return Outcome.WARNED, "; ".join(evidence.warnings)
    return Outcome.PASSED, ""


def _worst_failure(evidence: Evidence) -> str:
    worst = max(evidence.failures, key=lambda each: each.consequence.severity)
    exchange = None if worst.exchange is None else evidence.exchanges[worst.exchange - 1]
    return failure_in_words(worst, exchange)


def _is_target_fault(error: BaseException, evidence: Evidence) -> bool:
    if isinstance(error, NoReply):
        return not evidence.trouble_on_our_side
    # A plain assert counts as an expectation, and so does pytest.fail.
    return isinstance(error, ExpectationFailed | AssertionError) or _is_pytest(error, "Failed")


def _is_skip(error: BaseException) -> bool:
    return isinstance(error, NotApplicable) or _is_pytest(error, "Skipped")


def _is_pytest(error: BaseException, name: str) -> bool:
    """Whether it is one of pytest's outcomes, told by name: pytest may not be installed."""
    return type(error).__name__ == name and type(error).__module__ in _PYTEST_MODULES


def _leaves(error: BaseException | None) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    elif error is not None and not isinstance(error, asyncio.CancelledError):
        yield error


def _deadline_error(
    evidence: Evidence, limit: asyncio.Timeout, error: BaseException
) -> BaseException:
    """Say whose time ran out: the target's, if it was being waited for."""
    if not (limit.expired() and isinstance(error, TimeoutError)):
        return error
    last = evidence.exchanges[-1] if evidence.exchanges else None
    if last is not None and last.trouble is not None and last.trouble.kind == "deadline":
        return ExpectationFailed(f"{last.method} {last.url}: {last.trouble.summary}")
    return CheckEnded("the deadline ran out in the check itself, not while waiting for the target")


async def _end_stray_requests(evidence: Evidence) -> None:
    """End what a check started and did not wait for: it must not act after the check."""
    stray = [task for task in evidence.waiting_for_target if task is not asyncio.current_task()]
    for task in stray:
        task.cancel()
    if stray:
        await asyncio.wait(stray)


def describe(error: BaseException | None) -> str:
    """Give an exception in one line; a plain assert without words shows its source."""
    if isinstance(error, AssertionError) and not str(error):
        frame = traceback.extract_tb(error.__traceback__)[-1]
        line = linecache.getline(frame.filename, frame.lineno or 0).strip()
        return f"{line} (line {frame.lineno})"
    if isinstance(error, CheckEnded | AssertionError | JournalError) or _is_skip_like(error):
        return str(error)
    return f"{type(error).__name__} in the check: {error}"


def _is_skip_like(error: BaseException | None) -> bool:
    return error is not None and (_is_pytest(error, "Skipped") or _is_pytest(error, "Failed"))


def _traceback(error: BaseException | None, outcome: Outcome) -> str:
    if error is None or outcome in (Outcome.SKIPPED, Outcome.PASSED, Outcome.WARNED):
        return ""
    shown = traceback.TracebackException.from_exception(error)
    _leave_out_our_frames(shown)
    return "".join(shown.format())


def _leave_out_our_frames(shown: traceback.TracebackException) -> None:
    """Show a check's author the frames of the check; those of the engine say nothing about it."""
    theirs = [frame for frame in shown.stack if not frame.filename.startswith(_OUR_FOLDER)]
    if theirs:
        shown.stack[:] = theirs
    for part in (*(shown.exceptions or ()), shown.__cause__, shown.__context__):
        if part is not None:
            _leave_out_our_frames(part)


def _redacted(expectation: Expectation, text: Callable[[str], str]) -> Expectation:
    return Expectation(
        demand=text(expectation.demand),
        held=expectation.held,
        seen=text(expectation.seen),
        consequence=expectation.consequence,
        exchange=expectation.exchange,
    )
