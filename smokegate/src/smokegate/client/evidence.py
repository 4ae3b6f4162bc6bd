"""What one attempt at a check or a resource has seen: exchanges and expectations, in order.

Whatever failed stays recorded even when the code that met it swallowed the exception, so a check
cannot hide a failure from its own outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NoReturn

from smokegate.client.incurable import incurable_cause
from smokegate.client.redaction import beginning
from smokegate.errors import CheckEnded, ExpectationFailed, NoReply, Throttled
from smokegate.results import Consequence, Exchange, Expectation, Side, Trouble

_PATH_CHARS = 200
_ANSWERED = "it is answered"
SOFT = frozenset({Consequence.WARN, Consequence.MONITOR, Consequence.INVESTIGATE})


class Evidence:
    """The record of one attempt, written by its client and its expectations.

    `consequence` is what a failed expectation means unless it says otherwise; `deadline` is a
    time of the event loop's clock; `redact` takes the secrets out of a text.
    """

    def __init__(
        self,
        owner: str,
        consequence: Consequence,
        deadline: float,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.owner = owner
        self.consequence = consequence
        self.deadline = deadline
        self.limit: asyncio.Timeout | None = None  # what ends the attempt at its deadline
        self._redact = redact
        self.exchanges: list[Exchange] = []
        self.expectations: list[Expectation] = []
        self.warnings: list[str] = []
        self.remarks: list[str] = []
        self.samples: dict[str, list[float]] = {}
        self.ended: list[CheckEnded] = []
        self.trouble_on_our_side = ""
        self.waiting_for_target: set[asyncio.Task[object]] = set()
        self.names_given = 0
        self.requests = 0
        self.requests_s = 0.0
        self.waited_s = 0.0  # because of 429
        self.closed = False
        self._allowed_s = 0.0

    @property
    def is_out_of_time(self) -> bool:
        """Whether the attempt was ended by its deadline."""
        return self.limit is not None and self.limit.expired()

    @property
    def failures(self) -> list[Expectation]:
        """The expectations that did not hold, warnings left out.

        While something on our side was in trouble, that a request was not answered is none.
        """
        return [
            expectation
            for expectation in self.expectations
            if not expectation.held
            and expectation.consequence is not Consequence.WARN
            and not (self.trouble_on_our_side and expectation.demand == _ANSWERED)
        ]

    def expect(
        self,
        demand: str,
        held: bool,
        *,
        seen: str,
        exchange: Exchange | None = None,
        or_else: Consequence | None = None,
    ) -> None:
        """Record that something was demanded and whether it held.

        Where it did not, a consequence milder than the share of workflows lets the check go on;
        any other raises `ExpectationFailed`. What rolling back cannot cure is named, and means
        investigate at most.
        """
        consequence = or_else or self.consequence
        cause = "" if held else incurable_cause(exchange)
        if cause:
            consequence, seen = milder(consequence), f"{seen}; {cause}"
        self.expectations.append(
            Expectation(
                demand=demand,
                held=held,
                seen=seen,
                consequence=consequence,
                exchange=exchange.number if exchange else None,
            )
        )
        if held:
            return
        words = failure_in_words(self.expectations[-1], exchange)
        if or_else not in SOFT:
            self.end(ExpectationFailed(words))
        if or_else is Consequence.WARN:
            self.warnings.append(words)

    def allow_for(self, excess_s: float) -> None:
        """Move the deadline on by what a request's limit exceeds the setting, the longest's."""
        if excess_s <= self._allowed_s:
            return
        self.deadline += excess_s - self._allowed_s
        self._allowed_s = excess_s
        if self.limit is not None and not self.limit.expired():
            self.limit.reschedule(self.deadline)

    def keep_only(self, wanted: Iterable[Exchange]) -> None:
        """Drop the other exchanges: of a large sample only what is telling is kept.

        What was expected of an exchange before must not be dropped.
        """
        numbers = {exchange.number for exchange in wanted}
        self.exchanges[:] = [each for each in self.exchanges if each.number in numbers]

    def shown(self, text: str, most_chars: int) -> str:
        """Cut a text once its secrets are out: half a secret is one as well."""
        return beginning(text, most_chars, self._redact)

    def refuse_if_closed(self) -> None:
        """Refuse a request for an attempt that has ended: nobody would see what comes of it."""
        if self.closed:
            raise CheckEnded("the check has ended; what it started must not go on without it")

    def end(self, ended: CheckEnded) -> NoReturn:
        """Note how the attempt ends, then raise it."""
        self.ended.append(ended)
        raise ended

    def no_reply(self, exchange: Exchange, trouble: Trouble) -> NoReturn:
        """End the attempt because a request was not answered, on whosever side that lies."""
        request = request_in_words(exchange)
        if trouble.side is not Side.TARGET:
            self.cannot_tell(f"{request}: {trouble.summary}", NoReply)
        self.expectations.append(
            Expectation(
                demand=_ANSWERED,
                held=False,
                seen=trouble.summary,
                consequence=milder(self.consequence) if trouble.incurable else self.consequence,
                exchange=exchange.number,
            )
        )
        self.end(NoReply(f"{request}: {trouble.summary}"))

    def throttled(self, exchange: Exchange, pause_s: float) -> NoReturn:
        """End the attempt because the target asks to wait longer than there is time."""
        self.cannot_tell(
            f"{request_in_words(exchange)}: throttled (429), asked to wait {pause_s:g} s"
        )

    def cannot_tell(self, why: str, kind: type[CheckEnded] = Throttled) -> NoReturn:
        """End the attempt because of something that is not the target's fault."""
        self.trouble_on_our_side = why
        self.end(kind(why))


def milder(consequence: Consequence) -> Consequence:
    """What a cause that rolling back cannot cure means at most: investigate."""
    return min(consequence, Consequence.INVESTIGATE, key=lambda each: each.severity)


def failure_in_words(expectation: Expectation, exchange: Exchange | None) -> str:
    """Say in one line what was demanded of which request, and what came instead."""
    request = f"{request_in_words(exchange)}: " if exchange else ""
    return f"{request}expected that {expectation.demand}; saw {expectation.seen}"


def request_in_words(exchange: Exchange) -> str:
    """Name a request by its method and path, cut where that is longer than anyone reads."""
    path = exchange.path
    cut = path if len(path) <= _PATH_CHARS else f"{path[:_PATH_CHARS]}..."
    return f"{exchange.method} {cut}"
