"""A POST to a system that is told of runs: one request, and why it did not arrive."""

from __future__ import annotations

from smokegate import __version__
from smokegate.client.curl import CurlTransport
from smokegate.client.redaction import Redactor
from smokegate.client.transport import Answer, Headers, Request
from smokegate.client.trouble import WORDS
from smokegate.reports.escaping import one_line

_MOST_BYTES = 65_536
_SHOWN_CHARS = 200


async def post(
    url: str, headers: Headers, body: bytes, *, within_s: float, ca_file: str = "", proxy: str = ""
) -> Answer:
    """Send a body on a connection of its own; redirects are not followed."""
    transport = CurlTransport(
        ca_file=ca_file, proxy=proxy, max_reply_bytes=_MOST_BYTES, max_connections=1
    )
    try:
        return await transport.send(
            Request(
                method="POST",
                url=url,
                headers=[("User-Agent", f"smokegate/{__version__}"), *headers],
                body=body,
                timeout_s=within_s,
            )
        )
    finally:
        await transport.close()


def why_not(answer: Answer) -> str:
    """Why a request did not arrive, in one line; empty if it did.

    It has the whole reply, in which the other side may repeat a secret: see `as_shown`.
    """
    if answer.failure:
        return WORDS[answer.failure.kind].summary
    if answer.status and answer.status // 100 == 2:  # noqa: PLR2004 - 2xx
        return ""
    said = one_line(answer.body.decode("utf-8", "replace"), _MOST_BYTES)
    return f"status {answer.status}" + (f": {said}" if said else "")


def as_shown(why: str, redactor: Redactor) -> str:
    """The beginning of a reason, without secrets; cut before that, half of one could be left."""
    return one_line(redactor.text(why), _SHOWN_CHARS)
