"""One attempt at a check or a resource: run it within its deadline and say how it ended."""

from __future__ import annotations

import asyncio
import linecache
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from smokegate.client import Client, Evidence, Session
from smokegate.client.evidence import failure_in_words
from smokegate.client.incurable import incurable_cause
from smokegate.client.record import redacted
from smokegate.client.redaction import ending
from smokegate.engine.output import Output, kept
from smokegate.errors import CheckEnded, ExpectationFailed, JournalError, NoReply, NotApplicable
from smokegate.results import Attempt, Consequence, Expectation, Outcome

_TRACEBACK_CHARS = 20_000
_REASON_CHARS = 2_000
_UNWILLING_S = 0.5  # for a task that does not heed its cancellation, three times
# Where pytest says that its outcomes are defined, in older and newer releases.
_PYTEST_MODULES = ("builtins", "_pytest.outcomes")
_OUR_FOLDER = str(Path(__file__).parents[1])

Work = Callable[[Client], Awaitable[Any]]


class Ended:
    """How an attempt ended: its record, and the value that a resource's attempt made.

    `is_unconfirmed` says that it failed and could not be made again.
    """

    def __init__(
        self,
        attempt: Attempt,
        evidence: Evidence,
        *,
        value: Any = None,
        is_unconfirmed: bool = False,
    ) -> None:
        self.attempt = attempt
        self.evidence = evidence
        self.value = value
        self.is_unconfirmed = is_unconfirmed

    @property
    def outcome(self) -> Outcome:
        """The attempt's outcome."""
        return self.attempt.outcome

    @property
    def got_no_reply(self) -> bool:
        """Whether the request that it ended with was not answered."""
        last = self.attempt.last_exchange
        return last is not None and last.trouble is not None

    def did_not_repeat(self, first: Ended) -> bool:
        """Whether it shows, as a second try, that the first one failed by chance.

        What the target said once it has said, even if the second try does not apply.
        """
        passed = self.outcome in (Outcome.PASSED, Outcome.WARNED)
        return passed or (self.outcome is Outcome.SKIPPED and first.got_no_reply)


class Attempts:
    """Makes attempts on behalf of one run."""

    def __init__(self, session: Session, deadline_s: float) -> None:
        self._session = session
        self._deadline_s = deadline_s
        self.interrupted = ""
        self._open: set[Evidence] = set()

    def close(self) -> None:
        """Refuse requests of attempts that do not end when they are told to."""
        for evidence in self._open:
            evidence.closed = True

    async def make(
        self,
        owner: str,
        number: int,
        consequence: Consequence,
        work: Work,
        *,
        fresh: bool = False,
        deadline_s: float | None = None,
    ) -> Ended:
        """Run `work` with a client of its own; only an interruption from outside passes through."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        text = self._session.redactor.text
        ends = started + (self._deadline_s if deadline_s is None else deadline_s)
        evidence = Evidence(f"{owner}#{number}", consequence, ends, text)
        self._open.add(evidence)
        try:
            value, error, output = await self._run(evidence, work, fresh=fresh)
            evidence.closed = True
            await self._end_stray_requests(evidence)
        finally:
            self._open.discard(evidence)
        if evidence.waited_s:
            evidence.remarks.append(f"the target made it wait {evidence.waited_s:g} s (429)")
        for words in evidence.warnings, evidence.remarks:
            words[:] = [evidence.shown(each, _REASON_CHARS) for each in words]
        outcome, reason = outcome_of(evidence, error, self.interrupted)
        attempt = Attempt(
            number=number,
            outcome=outcome,
            reason=" ".join(evidence.shown(reason, _REASON_CHARS).split()),
            started_s=round(started - self._session.started, 6),
            duration_s=round(loop.time() - started, 6),
            expectations=[_redacted(each, text) for each in evidence.expectations],
            exchanges=[redacted(each, self._session.redactor) for each in evidence.exchanges],
            output=output.redacted(text),
            traceback=ending(_traceback(error, outcome), _TRACEBACK_CHARS, text),
            asserted=asserted(evidence, error),
            requests=evidence.requests,
            requests_s=round(evidence.requests_s, 6),
        )
        return Ended(attempt, evidence, value=value)

    async def _run(
        self, evidence: Evidence, work: Work, *, fresh: bool
    ) -> tuple[Any, BaseException | None, Output]:
        """Run the work and give its value, how it ended, and what it printed."""
        client = Client(self._session, evidence, fresh=fresh)
        with kept() as output:
            value, error = await endure(work, client, lambda: self.interrupted)
        return value, error, output

    async def _end_stray_requests(self, evidence: Evidence) -> None:
        """End what a check started and did not wait for: it must not act after the check."""
        try:
            await end(evidence.waiting_for_target - {asyncio.current_task()})
        except asyncio.CancelledError:
            if not self.interrupted:
                raise


async def endure(
    work: Work, client: Client, interrupted: Callable[[], str] = str
) -> tuple[Any, BaseException | None]:
    """Run the work within the deadline of its evidence; give its value, or how it ended."""
    evidence = client.evidence
    value: Any = None
    error: BaseException | None = None
    limit = evidence.limit = asyncio.timeout_at(evidence.deadline)
    try:
        async with limit:
            value = await work(client)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except asyncio.CancelledError as cancelled:
        if _is_cancelled() and not interrupted():
            raise
        error = cancelled
    except BaseException as caught:  # pytest's own outcomes derive from it, and SystemExit
        error = caught
    if error is None and limit.expired():
        error = TimeoutError()  # the work swallowed it
    if error is None and interrupted() and _is_cancelled():
        error = asyncio.CancelledError()
    return value, _deadline_error(evidence, limit, error)


async def end(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended; those that do not heed it are left behind."""
    for _ in range(3):
        pending = [task for task in tasks if not task.done()]
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=_UNWILLING_S)


def _is_cancelled() -> bool:
    """Whether somebody wants the current task to end, rather than a task that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def outcome_of(  # noqa: PLR0911 - one return for each way to end
    evidence: Evidence, error: BaseException | None, interrupted: str = ""
) -> tuple[Outcome, str]:
    """Decide from what was recorded first, so that a swallowed failure still counts."""
    errors = [*evidence.ended, *_leaves(error)]
    hard = next((each for each in errors if _is_target_fault(each, evidence)), None)
    if hard is not None:
        mild = evidence.consequence is Consequence.WARN and not evidence.failures
        return (Outcome.WARNED if mild else Outcome.FAILED), _with_cause(hard, evidence)
    if isinstance(error, asyncio.CancelledError) and interrupted:
        return Outcome.UNKNOWN, f"interrupted by {interrupted}"
    ours = next((each for each in errors if not isinstance(each, NotApplicable)), None)
    if evidence.trouble_on_our_side or (ours is not None and not _is_skip(ours)):
        return Outcome.UNKNOWN, evidence.trouble_on_our_side or describe(ours)
    if error is not None and not errors:
        return Outcome.UNKNOWN, "CancelledError in the check: what it waited for was cancelled"
    if evidence.failures:
        return Outcome.FAILED, _worst_failure(evidence)
    if errors:
        return Outcome.SKIPPED, describe(errors[0])
    if evidence.warnings:
        return Outcome.WARNED, "; ".join(evidence.warnings)
    return Outcome.PASSED, ""


def _with_cause(hard: BaseException, evidence: Evidence) -> str:
    """Describe a failure; what a plain assert is about is most likely the last reply."""
    recorded = hard in evidence.ended or not evidence.exchanges
    cause = "" if recorded else incurable_cause(evidence.exchanges[-1])
    words = describe(hard)
    return words if cause in words else f"{words}; {cause}"


def asserted(evidence: Evidence, error: BaseException | None) -> bool:
    """Whether it failed by what is not among its expectations, such as a plain assert."""
    unrecorded = [each for each in _leaves(error) if each not in evidence.ended]
    return any(_is_target_fault(each, evidence) for each in unrecorded)


def _worst_failure(evidence: Evidence) -> str:
    worst = max(evidence.failures, key=lambda each: each.consequence.severity)
    return failure_in_words(worst, worst.exchange_in(evidence.exchanges))


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
    evidence: Evidence, limit: asyncio.Timeout, error: BaseException | None
) -> BaseException | None:
    """Say whose time ran out: the target's, if it was being waited for."""
    if not (limit.expired() and isinstance(error, TimeoutError)):
        return error
    last = evidence.exchanges[-1] if evidence.exchanges else None
    if last is not None and last.trouble is not None and last.trouble.kind == "deadline":
        return ExpectationFailed(f"{last.method} {last.url}: {last.trouble.summary}")
    return CheckEnded("the deadline ran out in the check itself, not while waiting for the target")


def describe(error: BaseException | None) -> str:
    """Give an exception in words; a plain assert without any shows its source."""
    words = _text(error).strip()
    if isinstance(error, AssertionError) and not words:
        return _source_of(error)
    if isinstance(error, CheckEnded | AssertionError | JournalError) or _is_skip_like(error):
        return words
    return f"{type(error).__name__} in the check: {words}"


def _text(error: BaseException | None) -> str:
    try:
        return str(error)
    except Exception:
        return "its words cannot be shown"


def _source_of(error: AssertionError) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "an assertion failed"  # made by hand and never raised
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip()
    return f"{line} (line {frames[-1].lineno})"


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
    parts = [shown]
    while parts:  # a chain of causes may be longer than the stack is deep
        part = parts.pop()
        theirs = [frame for frame in part.stack if not frame.filename.startswith(_OUR_FOLDER)]
        if theirs:
            part.stack[:] = theirs
        more = (*(part.exceptions or ()), part.__cause__, part.__context__)
        parts += [each for each in more if each is not None]


def _redacted(expectation: Expectation, text: Callable[[str], str]) -> Expectation:
    return Expectation(
        demand=text(expectation.demand),
        held=expectation.held,
        seen=text(expectation.seen),
        consequence=expectation.consequence,
        exchange=expectation.exchange,
    )
