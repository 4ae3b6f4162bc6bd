"""A failure in full: what was asked, demanded and seen, and how to go on from there."""

from __future__ import annotations

from smokegate.client.evidence import request_in_words
from smokegate.reports.advice import advice
from smokegate.reports.causes import Cause, cause_of
from smokegate.reports.escaping import one_line
from smokegate.reports.layout import Rows, labelled, paragraph
from smokegate.reports.traffic import was_connected
from smokegate.reports.wording import seconds, several
from smokegate.results import CheckResult, Consequence, Exchange, Run, Timing

_SHOWN_EXPECTATIONS = 5
_SHOWN_CHARS = 1_000
_SHOWN_COMMAND_CHARS = 2_000
_TENTHS_BELOW_MS = 10
_PHASES = ("dns", "connect", "tls", "wait", "receive")


def failure(run: Run, check: CheckResult) -> str:
    """Tell in several lines why a check of this run did not pass."""
    rows = details(cause_of(check, run), check)
    return "\n".join([*paragraph(check.reason), *labelled(rows, indent="  ")])


def details(cause: Cause, check: CheckResult) -> Rows:
    """Give the evidence behind a cause as labelled rows, then what to do about it."""
    rows: Rows = []
    if cause.exchange is not None:
        rows.append(("request", exchange_in_words(cause.exchange)))
        rows.append(("over", connection_in_words(cause.exchange)))
    return [*rows, *_demands(cause), *next_steps(cause, check)]


def next_steps(cause: Cause, check: CheckResult) -> Rows:
    """Give the likely causes, the next step and the command that repeats the request."""
    rows: Rows = []
    known = advice(cause)
    if known is not None:
        rows += [("likely", "; ".join(known.causes)), ("next", known.next_step)]
    if check.owner:
        rows.append(("owner", f"{one_line(check.owner)}, a third party"))
    if cause.exchange is not None and cause.exchange.curl:
        rows.append(("repeat", _command(cause.exchange.curl)))
    return rows


def further_demands(cause: Cause) -> Rows:
    """Give what else did not hold, beyond the reason of the check."""
    rest = [each for each, _ in cause.expectations[1:_SHOWN_EXPECTATIONS]]
    return [("also", one_line(f"expected that {each.demand}; saw {each.seen}")) for each in rest]


def _demands(cause: Cause) -> Rows:
    rows: Rows = []
    for expectation, exchange in cause.expectations[:_SHOWN_EXPECTATIONS]:
        consequence = expectation.consequence
        label = "wished" if consequence is Consequence.WARN else "expected"
        elsewhere = exchange is not None and exchange is not cause.exchange
        request = f"{request_in_words(exchange)}: " if exchange and elsewhere else ""
        rows.append((label, one_line(request + expectation.demand, _SHOWN_CHARS)))
        rows.append(("saw", one_line(expectation.seen, _SHOWN_CHARS)))
    left_out = len(cause.expectations) - _SHOWN_EXPECTATIONS
    if left_out > 0:
        rows.append(("", f"{several(left_out, 'more expectation')} did not hold; see run.json"))
    return rows


def _command(curl: str) -> str:
    if len(curl) <= _SHOWN_COMMAND_CHARS:
        return curl
    return curl[:_SHOWN_COMMAND_CHARS] + " … (cut; run.json has the whole command)"


def exchange_in_words(exchange: Exchange) -> str:
    """Give a request with what came of it and how long each phase took."""
    parts = [] if exchange.status is None else [str(exchange.status)]
    if exchange.trouble is not None:
        parts.append(one_line(exchange.trouble.summary, 200))
    ended = ", ".join(parts or ["no reply"])
    took = phases_in_words(exchange.timing)
    twice = f", sent {exchange.sends} times" if exchange.sends > 1 else ""
    return f"{one_line(request_in_words(exchange), 300)} → {ended}, {took}{twice}"


def connection_in_words(exchange: Exchange) -> str:
    """Say over which connection a request went, and to which address."""
    if not was_connected(exchange):
        return "no connection"
    new = " (new)" if exchange.fresh else ""
    parts = [f"connection {exchange.connection}{new}", exchange.address, exchange.http_version]
    if exchange.proxy:
        parts.append(f"proxy {one_line(exchange.proxy, 100)}")
    return ", ".join(one_line(part, 100) for part in parts if part)


def phases_in_words(timing: Timing) -> str:
    """Give the time of a request and, in ms, of its phases; unneeded ones are left out."""
    spent_ms = {phase: getattr(timing, f"{phase}_s") * 1000 for phase in _PHASES}
    words = [f"{phase} {ms:.{int(ms < _TENTHS_BELOW_MS)}f}" for phase, ms in spent_ms.items() if ms]
    return seconds(timing.total_s) + (f" ({', '.join(words)} ms)" if words else "")
