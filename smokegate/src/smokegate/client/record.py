"""Turning what was sent and received into an `Exchange`, and taking the secrets out of it."""

from __future__ import annotations

import shlex

import msgspec

from smokegate.client.redaction import LONGEST_SECRET, Redactor, beginning, is_secret_header
from smokegate.client.transport import Answer, Headers, Request
from smokegate.results import Exchange, Trouble

_KEPT_CHARS = 20_000
# More than is kept: a secret that straddles the cut must be whole when it is looked for.
_HELD_CHARS = _KEPT_CHARS + 2 * LONGEST_SECRET + 1
_KEPT_HEADERS = 100
_CUT = " [cut]"
_KEPT_LINE_CHARS = 8_192
# curl sends these by itself or the reader does not need them to repeat the request.
_NOT_IN_CURL = frozenset({"user-agent", "accept-encoding", "x-smoke-test"})


def record(
    number: int,
    *,
    request: Request,
    answer: Answer,
    body: bytes,
    started_s: float,
    trouble: Trouble | None,
) -> Exchange:
    """Keep one exchange with its bodies as text, capped; secrets are still in it."""
    return Exchange(
        number=number,
        method=request.method,
        url=request.url,
        started_s=round(started_s, 6),
        request_headers=request.headers,
        request_body=None if request.body is None else _text(request.body),
        status=answer.status,
        reply_headers=answer.headers[:_KEPT_HEADERS],
        reply_body=None if answer.status is None else _text(body),
        reply_bytes=len(answer.body),
        http_version=answer.http_version,
        address=answer.address,
        connection=answer.connection,
        fresh=answer.fresh,
        sends=answer.sends,
        proxy=answer.proxy,
        timing=answer.timing,
        certificate=answer.certificate,
        trouble=trouble,
        curl="",
    )


def redacted(exchange: Exchange, redactor: Redactor) -> Exchange:
    """Return the exchange without secrets, and with the `curl` line that repeats it."""
    headers = redactor.headers(exchange.request_headers)
    body = _kept(exchange.request_body, redactor)
    url = _cut(redactor.text(exchange.url))
    return msgspec.structs.replace(
        exchange,
        url=url,
        request_headers=headers,
        request_body=body,
        reply_headers=[
            (name, _cut(value)) for name, value in redactor.headers(exchange.reply_headers)
        ],
        reply_body=_kept(exchange.reply_body, redactor),
        trouble=_without_secrets(exchange.trouble, redactor),
        curl=_curl_line(exchange.method, url, headers, body),
    )


def _without_secrets(trouble: Trouble | None, redactor: Redactor) -> Trouble | None:
    """What libcurl says of a reply may repeat a part of it."""
    if trouble is None:
        return None
    return msgspec.structs.replace(trouble, summary=redactor.text(trouble.summary))


def _curl_line(method: str, url: str, headers: Headers, body: str | None) -> str:
    parts = ["curl", "--include", "--request", method]
    for name, value in headers:
        if name.lower() == "authorization":
            parts += ["--header", "Authorization: Bearer $TOKEN"]
        elif name.lower() not in _NOT_IN_CURL and not is_secret_header(name):
            parts += ["--header", f"{name}: {value}"]
    if body is not None:
        parts += ["--data-raw", body]
    line = " ".join(shlex.quote(part) for part in [*parts, url])
    return line.replace("'Authorization: Bearer $TOKEN'", '"Authorization: Bearer $TOKEN"')


def _text(body: bytes) -> str:
    return body[: 4 * _HELD_CHARS].decode("utf-8", "replace")[:_HELD_CHARS]


def _kept(body: str | None, redactor: Redactor) -> str | None:
    return None if body is None else beginning(body, _KEPT_CHARS, redactor.text, _CUT)


def _cut(line: str) -> str:
    return line if len(line) <= _KEPT_LINE_CHARS else line[:_KEPT_LINE_CHARS] + _CUT
