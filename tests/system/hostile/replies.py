"""A hostile reply: one choice each of status line, headers, body, encoding, framing, delivery.

The choices do not know of each other, so that any of one meets any of the rest.
"""

from __future__ import annotations

import gzip
import random
import zlib
from functools import cache
from typing import NamedTuple

from tests.system.hostile.contents import content
from tests.system.hostile.secrets import handed_out
from tests.system.hostile.texts import harmful_line

Headers = list[tuple[bytes, bytes]]
_BOMB_BYTES = 64_000_000
_CODES = (
    *(200,) * 12,
    *(100, 103, 201, 204, 206, 301, 302, 304, 307, 400, 401, 404, 429, 429),
    *(500, 502, 503, 599, 600, 999),
)
_LENGTHS = (b"0", b"-1", b"9" * 25, b"1e3", b"", b"+5")
_HEADER_NAMES = (b"X-Trace", b"Server", b"Date", b"ETag", b"Link", b"WWW-Authenticate", b"Via")
_PLACES = (
    b"/elsewhere",
    b"/loop/" * 30,
    b"//evil.example/",
    b"http://evil.example/",
    b"http://127.0.0.1:1/",
    b"http://127.0.0.1@evil.example/",
    b"file:///etc/passwd",
    b"javascript:alert(1)",
    b"http://[",
    b"?%00%0d%0aX: y",
    b"\xff\xfe",
    b"https:relative",
    b"http://127.0.0.1:99999999/",
)
_WAITS = (b"0", b"1", b"-1", b"9" * 30, b"soon", b"Thu, 01 Jan 99999999999 00:00:00 GMT", b"\xb2")
_CODINGS = (b"gzip", b"deflate", b"br", b"zstd", b"identity", b"x-gzip", b"gzip, " * 40, b"\xff")


class Reply(NamedTuple):
    """What goes on the wire.

    The pieces are sent with `pace_s` seconds after each. `ending` is what comes then: the
    connection is kept, closed or reset, nothing more is said, or the last piece is said for ever.
    """

    pieces: list[bytes]
    pace_s: float = 0.0
    ending: str = "keep"


def reply_to(path: str, seed: str) -> Reply:
    """The reply to a path; always the same for the same seed."""
    draw = random.Random(f"{seed} {path}")
    body, media_type = content(draw)
    headers: Headers = [(b"Content-Type", media_type.encode("latin-1"))]
    body = _encoded(draw, body, headers)
    body = _framed(draw, body, headers)
    _decorate(draw, headers)
    draw.shuffle(headers)
    lines = [_status_line(draw), *(name + b": " + value for name, value in headers)]
    return _delivered(draw, b"\r\n".join(lines) + b"\r\n\r\n", body)


def _status_line(draw: random.Random) -> bytes:
    if draw.random() < 0.03:
        return draw.choice((b"", b"HTTP/9.9 200", b"HTTP/1.1 abc OK", b"ICY 200", b"HTTP/1.1 -1"))
    reason = harmful_line(draw) if draw.random() < 0.2 else b"OK"
    return b"HTTP/1.%d %d %s" % (draw.random() < 0.9, draw.choice(_CODES), reason)


def _decorate(draw: random.Random, headers: Headers) -> None:
    for _ in range(draw.choice((0, 1, 2, 3, 3, 90, 2_000) if draw.random() < 0.1 else (0, 1, 2))):
        name = draw.choice(_HEADER_NAMES) if draw.random() < 0.9 else harmful_line(draw)[:60]
        headers.append((name.replace(b":", b"") or b"X", harmful_line(draw)))
    if draw.random() < 0.2:
        headers.append((b"Location", draw.choice(_PLACES)))
    if draw.random() < 0.2:
        headers.append((b"Retry-After", draw.choice(_WAITS)))
    if draw.random() < 0.2:
        headers.append((b"Set-Cookie", f"sid={handed_out(draw)}; Path=/".encode()))
    if draw.random() < 0.02:
        headers.append((b"X-Long", b"y" * draw.choice((5_000, 90_000, 110_000, 400_000))))


def _encoded(draw: random.Random, body: bytes, headers: Headers) -> bytes:
    """Compress, or claim to; sometimes twice, sometimes cut short, sometimes a bomb."""
    if draw.random() < 0.75:
        return body
    match draw.randrange(8):
        case 0 | 1:
            body, coding = gzip.compress(body, 1), b"gzip"
        case 2:
            body, coding = zlib.compress(body, 1), b"deflate"
        case 3:
            body, coding = gzip.compress(zlib.compress(body, 1), 1), b"deflate, gzip"
        case 4:
            body, coding = gzip.compress(body, 1)[: -draw.randint(1, 12)], b"gzip"
        case 5:
            body, coding = _bomb(draw.randint(1, 2)), b"gzip"
        case 6:
            body, coding = gzip.compress(b"") * draw.choice((50, 5_000)), b"gzip"
        case _:
            coding = draw.choice(_CODINGS)
    headers.append((b"Content-Encoding", coding))
    return body


@cache
def _bomb(layers: int) -> bytes:
    body = bytes(_BOMB_BYTES)
    for _ in range(layers):
        body = gzip.compress(body, 6)
    return body


def _framed(draw: random.Random, body: bytes, headers: Headers) -> bytes:
    """Say how long the body is, or lie about it."""
    honest = b"%d" % len(body)
    if draw.random() < 0.7:
        headers.append((b"Content-Length", honest))
        return body
    match draw.randrange(8):
        case 0:
            twice = b"%d" % (len(body) * 2 + 1)
            headers.append((b"Content-Length", draw.choice((*_LENGTHS, twice))))
        case 1:
            headers += [(b"Content-Length", honest), (b"Content-Length", b"3")]
        case 2:
            headers += [(b"Content-Length", b"4"), (b"Transfer-Encoding", b"chunked")]
            return _chunked(draw, body)
        case 3 | 4:
            headers.append((b"Transfer-Encoding", b"chunked"))
            return _chunked(draw, body)
        case 5:
            headers.append((b"Transfer-Encoding", draw.choice((b"gzip, chunked", b"x", b"gzip"))))
        case 6:
            headers.append((b"Trailer", b"X-Late"))
            headers.append((b"Transfer-Encoding", b"chunked"))
            return _chunked(draw, body)[:-2] + b"X-Late: " + harmful_line(draw) + b"\r\n\r\n"
    return body


def _chunked(draw: random.Random, body: bytes) -> bytes:
    size = max(1, len(body) // draw.choice((1, 2, 7)))
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    wire = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    lie = draw.choice((b"", b"", b"", b"-1\r\n", b"ffffffffffffffff1\r\n", b"5;" + b"x" * 9_000))
    return lie + wire


def _delivered(draw: random.Random, head: bytes, body: bytes) -> Reply:
    deliver = draw.choices(_DELIVERIES, _WEIGHTS)[0]
    return deliver(draw, head, body)


def _whole(draw: random.Random, head: bytes, body: bytes) -> Reply:
    return Reply([head + body], ending=draw.choice(("keep", "close")))


def _in_pieces(draw: random.Random, head: bytes, body: bytes) -> Reply:
    wire = head + body
    cuts = sorted(draw.randrange(len(wire)) for _ in range(draw.randint(1, 5)))
    places = zip([0, *cuts], [*cuts, len(wire)], strict=True)
    return Reply([wire[at:to] for at, to in places], ending="close")


def _dripping(_: random.Random, head: bytes, body: bytes) -> Reply:
    wire = (head + body)[:2_000]
    return Reply([wire[at : at + 1] for at in range(len(wire))], 0.02, "hang")


def _broken_off(draw: random.Random, head: bytes, body: bytes) -> Reply:
    wire = head + body
    return Reply([wire[: draw.randrange(len(wire))]], ending=draw.choice(_BREAKS))


def _endless(_: random.Random, head: bytes, body: bytes) -> Reply:
    return Reply([head, (body or head)[:65_536] * 8], ending="endless")


def _with_a_second(draw: random.Random, head: bytes, body: bytes) -> Reply:
    """A reply that nobody asked for comes along, for the next request on the connection."""
    return Reply([head + body + head + body[:1_000]], ending=draw.choice(("keep", "close")))


_BREAKS = ("close", "close", "reset", "hang")
_DELIVERIES = (_whole, _in_pieces, _dripping, _broken_off, _endless, _with_a_second)
_WEIGHTS = (70, 8, 3, 12, 1, 6)
