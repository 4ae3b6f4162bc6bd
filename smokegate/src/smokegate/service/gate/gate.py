"""The gate: takes orders, runs them one at a time for each target, and never loses an answer.

What a service that dies has begun goes on without it, and is waited for by the one that is started
next; what died with it is run again, once: that the gate was restarted says nothing of the release.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException

from smokegate.service.gate.child import Child, Outcome, environment_of, words_of
from smokegate.service.gate.ledger import Ledger
from smokegate.service.gate.order import INCONCLUSIVE, RUNNING, Order, Wanted
from smokegate.settings import Settings
from smokegate.streams import say
from smokegate.targets import Target

MOST_AT_ONCE = 4
MOST_QUEUED = 50
_MOST_ATTEMPTS = 2
_CLOSING_S = 90.0  # for what a run does before its checks and with its results
_LOOKED_AT_EVERY_S = 0.5
_FULL = "Too many runs are waiting; ask again later."
_LATER = {"Retry-After": "30"}
_CANCELLED = "it was cancelled"
_DIED = "what runs it was ended in the middle of it, twice"

Listener = Callable[[Order], None]


class Gate:
    """Runs what is asked for; all but the runs themselves happens in one event loop.

    `targets_file` is where the targets are from, empty for the one of the settings. `listen` hears
    when an order begins and when it has ended. `is_ending` says that nobody should wait any longer.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        ledger: Ledger,
        *,
        targets_file: str = "",
        environ: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-m", "smokegate"),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.targets = targets
        self.listen: Listener = lambda _: None
        self.is_ending: Callable[[], bool] = lambda: False
        self._ledger = ledger
        self._targets_file = targets_file
        self._environ = os.environ if environ is None else environ
        self._program = program
        self._clock = clock
        self._children: dict[str, Child] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._is_closing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="gate")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take up what was left, and at the end put off what has not ended."""
        for order in self._ledger.all():
            if order.state == RUNNING:
                self._take_up(order)
            elif order.has_ended:
                self.listen(order)
            elif (child := Child(self._ledger.folder, order)).is_alive:
                self._watch(order, child)  # it was put off, or its begin was never written down
        self._start_next()
        try:
            yield
        finally:
            self._put_off()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._threads.shutdown()
            self._ledger.close()

    def target(self, name: str) -> Target:
        """The target of a name; without a name, the only one. Raises `HTTPException`."""
        found = {each.settings.url: each for each in self.targets.values()}
        if not name and len(found) == 1:
            return next(iter(found.values()))
        if name in self.targets:
            return self.targets[name]
        wrong = f"There is no target {name!r}" if name else "Say which target is meant"
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"{wrong}; there are {', '.join(sorted(self.targets))}."
        )

    def order(self, order_id: str) -> Order | None:
        """The order of an id."""
        return self._ledger.get(order_id)

    def ask(self, wanted: Wanted) -> Order:
        """Order a run, or join the one that is about the same.

        Raises `HTTPException` where there are too many, and where it cannot be kept.
        """
        wanted = msgspec.structs.replace(wanted, target=self.target(wanted.target).name)
        found = self.last(lambda each: each.wanted == wanted)
        if found and found.stands(self._now_ms()):
            return found
        if sum(each.state == "queued" for each in self._ledger.all()) >= MOST_QUEUED:
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, _FULL, _LATER)
        order = Order(id=_new_id(), wanted=wanted, asked_ms=self._now_ms())
        try:
            self._ledger.write(order)
        except OSError as error:
            self._ledger.forget(order)
            why = f"The order cannot be kept: {error.strerror or error}."
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, why, _LATER) from None
        self._start_next()
        return self._ledger.get(order.id) or order

    def last(self, is_it: Callable[[Order], bool]) -> Order | None:
        """The order that came last of some."""
        return next(filter(is_it, reversed(self._ledger.all())), None)

    def last_verdict(self, is_it: Callable[[Order], bool]) -> Order | None:
        """The order that ended last of some, if its verdict still stands."""
        now_ms = self._now_ms()
        found = (each for each in self._ledger.all() if each.has_ended and is_it(each))
        last = max(found, key=lambda each: each.ended_ms, default=None)
        return last if last and last.stands(now_ms) else None

    async def wait(self, order: Order, wait_s: float) -> Order:
        """The order as it is when it has ended, or after some seconds."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + wait_s
        while not (self._now(order).has_ended or self.is_ending() or loop.time() >= ends):
            ended = self._ended.setdefault(order.id, asyncio.Event())
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_LOOKED_AT_EVERY_S, ends - loop.time())):
                    await ended.wait()
        return self._now(order)

    def cancel(self, order: Order) -> Order:
        """End an order that has not ended; it is inconclusive."""
        if order.has_ended:
            return order
        cancelled = msgspec.structs.replace(
            order, state="cancelled", verdict=INCONCLUSIVE, reason=_CANCELLED
        )
        self._end(cancelled)
        child = self._children.get(order.id)
        if child:
            child.end()
        return self._now(order)

    def keep(self, order: Order) -> bool:
        """Write down what became of an order; what cannot be is said, and stands until the end."""
        try:
            self._ledger.write(order)
        except OSError as error:
            say(f"smokegate: {order.id} cannot be kept: {error.strerror or error}")
            return False
        return True

    def in_background(self, work: asyncio.Task[None]) -> None:
        """Let something go on until the gate ends."""
        self._tasks.add(work)
        work.add_done_callback(self._tasks.discard)

    def _now(self, order: Order) -> Order:
        return self._ledger.get(order.id) or order

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)

    def _start_next(self) -> None:
        """Start what may be: one run for a target, and not too many at once."""
        busy = {self._url_of(order) for order in self._ledger.all() if order.id in self._children}
        for order in self._ledger.all():
            if order.state != "queued" or len(self._children) >= MOST_AT_ONCE:
                continue
            url = self._url_of(order)
            if not url:
                self._end_with(
                    order, Outcome(INCONCLUSIVE, "its target is not configured any more")
                )
            elif url not in busy:
                busy.add(url)
                self._start(order)

    def _url_of(self, order: Order) -> str:
        target = self.targets.get(order.wanted.target)
        return target.settings.url if target else ""

    def _start(self, order: Order) -> None:
        child = Child(self._ledger.folder, order)
        child.forget()
        words = [*self._program, *words_of(order, self._targets_file)]
        try:
            child.start(words, environment_of(order, self._environ))
        except (OSError, ValueError) as error:
            self._end_with(order, Outcome(INCONCLUSIVE, f"the run could not be started: {error}"))
            return
        begun = msgspec.structs.replace(
            order, state=RUNNING, pid=child.pid, attempts=order.attempts + 1
        )
        self.keep(begun)
        self.listen(begun)
        self._watch(begun, child)

    def _take_up(self, order: Order) -> None:
        """Go on with what another service has begun."""
        child = Child(self._ledger.folder, order)
        if child.is_alive:
            self._watch(order, child)
            return
        outcome = child.outcome()
        if outcome.run_id and not outcome.was_interrupted:
            self._end_with(order, outcome)
        elif order.attempts < _MOST_ATTEMPTS:
            self.keep(msgspec.structs.replace(order, state="queued"))
        else:
            self._end_with(order, Outcome(INCONCLUSIVE, _DIED))

    def _watch(self, order: Order, child: Child) -> None:
        self._children[order.id] = child
        self.in_background(asyncio.get_running_loop().create_task(self._until_ended(order, child)))

    async def _until_ended(self, order: Order, child: Child) -> None:
        target = self.targets.get(order.wanted.target)
        limit_s = _longest_s(target.settings if target else Settings())
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._threads, child.wait, limit_s)
        del self._children[order.id]
        now, is_kept = self._now(order), True
        if now.state == RUNNING:
            is_kept = self._end_with(now, outcome)
        elif now.state == "cancelled":
            self.keep(msgspec.structs.replace(now, run_id=outcome.run_id))
        if is_kept:
            child.forget()
        if not self._is_closing:
            self._start_next()

    def _put_off(self) -> None:
        """End the runs that are not finished; they are run again by the service that comes next."""
        self._is_closing = True
        for order_id, child in self._children.items():
            order = self._ledger.get(order_id)
            if order and order.state == RUNNING:
                self.keep(msgspec.structs.replace(order, state="queued"))
            child.end()

    def _end_with(self, order: Order, outcome: Outcome) -> bool:
        return self._end(
            msgspec.structs.replace(
                order,
                state="done",
                verdict=outcome.verdict,
                reason=outcome.reason,
                run_id=outcome.run_id,
                version=outcome.version,
            )
        )

    def _end(self, order: Order) -> bool:
        ended = msgspec.structs.replace(order, ended_ms=self._now_ms(), pid=0)
        is_kept = self.keep(ended)
        event = self._ended.pop(order.id, None)
        if event:
            event.set()
        self.listen(ended)
        return is_kept


def _new_id() -> str:
    """The id of an order, which cannot be taken for that of a run."""
    return f"asked-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(4).hex()}"


def _longest_s(settings: Settings) -> float:
    return settings.wait_s + settings.run_timeout_s + settings.cleanup_timeout_s + _CLOSING_S
