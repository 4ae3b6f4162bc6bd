"""What an attempt asked and what was demanded of it: a row for each request, drawn to scale."""

from __future__ import annotations

from collections.abc import Iterable

from smokegate.client.evidence import request_in_words
from smokegate.reports.details import connection_in_words, phases_in_words
from smokegate.reports.page.markup import Markup, block, element, joined, text
from smokegate.reports.page.timeline import PHASES, Scale, drawing, phases_of, scale_of
from smokegate.reports.wording import seconds, several
from smokegate.results import Attempt, Consequence, Exchange, Expectation

_ROWS = 40  # of one attempt
_IN_FULL = 6
_UNMET = 20
_HELD = 60
_PATH_CHARS = 200
_HELD_CHARS = 200  # what did not hold is shown at length
_SEEN_CHARS = 100
_HEADERS_CHARS = 4_000
_HEADER_CHARS = 500
_BODY_CHARS = 3_000
_COMMAND_CHARS = 2_000
_SERVER_ERROR = 500

Headers = list[tuple[str, str]]


def exchanges(attempt: Attempt) -> Markup:
    """The requests of an attempt in their order, each with what was demanded of its reply."""
    scale, shown, in_full = scale_of(attempt), _shown(attempt), _in_full(attempt)
    demands = _Demands(attempt)
    rows = []
    for each in shown:
        rows += [_row(each, scale, is_in_full=each.number in in_full), demands.of(each.number)]
    numbers = {each.number for each in shown}
    return joined(*rows, *_not_shown(attempt, len(shown)), demands.of_others(numbers))


def _not_shown(attempt: Attempt, shown: int) -> Iterable[Markup]:
    quicker, unkept = len(attempt.exchanges) - shown, attempt.requests - len(attempt.exchanges)
    if quicker:
        yield element("p", f"{several(quicker, 'quicker request')} not shown", class_="more")
    if unkept > 0:
        yield element("p", f"{several(unkept, 'request')} not kept one by one", class_="more")


def exchange_alone(exchange: Exchange) -> Markup:
    """One request with its reply, folded, on a scale of its own; how to repeat it is left out."""
    scale = Scale(exchange.started_s, exchange.timing.total_s)
    return _folded(exchange, scale, _evidence(exchange))


def legend() -> Markup:
    """What the rows of requests show, and of which there is more."""
    keys = [
        element("li", drawing(element("rect", class_=kind, width="100%"), kind="key"), words)
        for kind, words in PHASES.items()
    ]
    words = "A check opens to its requests; one that did not go well to its headers and bodies."
    return element(
        "div", element("span", words), element("ul", *keys, class_="keys"), class_="opens"
    )


def _in_full(attempt: Attempt) -> set[int]:
    """The exchanges that are shown with headers and bodies: what did not go as it should."""
    unmet = [each.exchange for each in attempt.expectations if not each.held]
    telling = [number for number in unmet if number is not None]
    if not attempt.outcome.passes:
        bad = [each.number for each in attempt.exchanges if _is_bad(each)]
        telling += [*bad, *(each.number for each in reversed(attempt.exchanges))]
    return set(list(dict.fromkeys(telling))[:_IN_FULL])


def _shown(attempt: Attempt) -> list[Exchange]:
    """Those that have a row: what is telling, then what took longest."""
    telling = _in_full(attempt)
    by_weight = sorted(
        attempt.exchanges,
        key=lambda each: (each.number in telling, _is_bad(each), each.timing.total_s),
        reverse=True,
    )
    kept = {each.number for each in by_weight[:_ROWS]}
    return [each for each in attempt.exchanges if each.number in kept]


def _row(exchange: Exchange, scale: Scale, *, is_in_full: bool) -> Markup:
    if is_in_full:
        return _folded(exchange, scale, _evidence(exchange), _repeat(exchange))
    return element("div", *_head(exchange, scale), class_="ask")


def _folded(exchange: Exchange, scale: Scale, *evidence: Markup) -> Markup:
    head = element("summary", *_head(exchange, scale), class_="ask")
    return element("details", head, *evidence, class_="exchange")


def _head(exchange: Exchange, scale: Scale) -> Iterable[Markup]:
    yield element("b", _status(exchange), class_="bad" if _is_bad(exchange) else "")
    yield element("code", text(request_in_words(exchange), _PATH_CHARS))
    yield drawing(
        *(scale.bar(*each) for each in phases_of(exchange.timing, exchange.started_s)), kind="bar"
    )
    yield element("span", seconds(exchange.timing.total_s))


def _status(exchange: Exchange) -> str:
    if exchange.status is not None:
        return str(exchange.status)
    return exchange.trouble.kind.replace("_", " ") if exchange.trouble else "no reply"


def _is_bad(exchange: Exchange) -> bool:
    return exchange.trouble is not None or (exchange.status or 0) >= _SERVER_ERROR


def _evidence(exchange: Exchange) -> Markup:
    request = joined(f"{exchange.method} {exchange.path}")
    pieces = [
        element("p", "; ".join(_about(exchange)), class_="soft"),
        _message("Request", request, exchange.request_headers, exchange.request_body),
    ]
    if exchange.status is not None:
        status = joined(f"{exchange.http_version} {exchange.status}".strip())
        pieces.append(
            _message("Reply", status, exchange.reply_headers, exchange.reply_body, exchange)
        )
    return element("div", *pieces, class_="evidence")


def _repeat(exchange: Exchange) -> Markup:
    if not exchange.curl:
        return Markup()
    return element("div", _label("Repeat it"), command(exchange.curl), class_="evidence")


def command(curl: str) -> Markup:
    """A command to copy, selected whole at a click."""
    return element("pre", block(curl, _COMMAND_CHARS), class_="command")


def _about(exchange: Exchange) -> Iterable[str]:
    if exchange.trouble is not None:
        yield exchange.trouble.summary
    yield f"began at {seconds(exchange.started_s)}, took {phases_in_words(exchange.timing)}"
    yield connection_in_words(exchange)
    if exchange.sends > 1:
        yield f"sent {exchange.sends} times"
    certificate = exchange.certificate
    if certificate is not None:
        yield (
            f"certificate of {certificate.subject} by {certificate.issuer}, "
            f"good until {certificate.not_after}"
        )


def _message(
    name: str, first: Markup, headers: Headers, body: str | None, reply: Exchange | None = None
) -> Markup:
    """A request or a reply as it stands on the wire."""
    size = f", {reply.reply_bytes:,} bytes on the wire" if reply else ""
    parts = [element("b", first), *_header_lines(headers)]
    if body:
        parts += [Markup("\n\n"), block(body, _BODY_CHARS)]
    return joined(_label(name + size), element("pre", *parts))


def _header_lines(headers: Headers) -> Iterable[Markup]:
    room = _HEADERS_CHARS
    for number, (name, value) in enumerate(headers):
        if room <= 0:
            yield joined(Markup("\n"), f"… {len(headers) - number} more")
            return
        words = text(value, _HEADER_CHARS)
        yield joined(
            Markup("\n"), element("i", text(f"{name}:", _HEADER_CHARS)), Markup(" "), words
        )
        room -= len(name) + len(words)


def _label(words: str) -> Markup:
    return element("p", words, class_="label")


class _Demands:
    """What an attempt demanded, as far as it is shown."""

    def __init__(self, attempt: Attempt) -> None:
        unmet = [each for each in attempt.expectations if not each.held]
        held = [each for each in attempt.expectations if each.held]
        self._shown = [*unmet[:_UNMET], *held[:_HELD]]
        self._left_out = len(attempt.expectations) - len(self._shown)

    def of(self, number: int) -> Markup:
        """Those of one exchange."""
        return _listed([_demand(each) for each in self._shown if each.exchange == number])

    def of_others(self, numbers: set[int]) -> Markup:
        """Those of none of these exchanges, and how many are not shown."""
        items = [_demand(each) for each in self._shown if each.exchange not in numbers]
        if self._left_out:
            items.append(element("li", several(self._left_out, "more demand")))
        return _listed(items)


def _listed(items: list[Markup]) -> Markup:
    return element("ul", *items, class_="demands") if items else Markup()


def _demand(expectation: Expectation) -> Markup:
    if expectation.held:
        seen = "" if expectation.seen in expectation.demand else expectation.seen
        told = element("span", text(seen, _SEEN_CHARS)) if seen else ""
        return element("li", text(expectation.demand, _HELD_CHARS), told)
    wished = expectation.consequence is Consequence.WARN
    return element(
        "li",
        element("b", "wished that " if wished else "expected that ", expectation.demand),
        element("span", "saw ", element("b", expectation.seen)),
        class_="wished" if wished else "unmet",
    )
