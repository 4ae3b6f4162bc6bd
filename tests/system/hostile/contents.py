"""Bodies that mean harm: what a reply says, before it is encoded and framed."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

from tests.system.hostile.secrets import handed_out
from tests.system.hostile.texts import harmful

_MEDIA_TYPES = (
    "application/json",
    "application/json",
    "application/json",
    "application/problem+json",
    "application/json; charset=utf-16",
    "application/json; charset=\xff",
    "text/html",
    "text/plain",
    "",
)
_NAMES_OF_SECRETS = ("access_token", "password", "client_secret", "apiKey", "X-Auth-Session")
_NUMBERS = ("1e999", "-0", "9" * 400, "9" * 5_000, "NaN", "1E-400", "0x10", "01", f"{2**64}")
_ENCODINGS = ("utf-16", "utf-32", "latin-1", "utf-7", "cp037")
_WIDE_ITEMS = ("[],", "{},", "0,", '{"a":0},', '"",')
_MOST_WIDE = 12_000_000


def content(draw: random.Random) -> tuple[bytes, str]:
    """A body with the media type that it claims."""
    make = draw.choices(_KINDS, _WEIGHTS)[0]
    body = make(draw)
    if draw.random() < 0.15:
        body = _damaged(draw, body)
    return body, draw.choice(_MEDIA_TYPES)


def _document(draw: random.Random) -> bytes:
    secret = handed_out(draw)
    document = {
        "name": _value(draw, 3),
        "status": draw.choice(("healthy", _value(draw, 1))),
        "version": draw.choice(("1.2.3", _value(draw, 1))),
        "items": [_value(draw, 2) for _ in range(draw.randint(0, 5))],
        draw.choice(_NAMES_OF_SECRETS): secret,
        "echo": f"{secret} {harmful(draw)} {secret}",
        harmful(draw)[:200]: harmful(draw),
    }
    text = json.dumps(document, ensure_ascii=draw.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")


def _value(draw: random.Random, depth: int) -> Any:
    kinds = 6 if depth else 4
    match draw.randrange(kinds):
        case 0 | 1:
            return harmful(draw)
        case 2:
            return draw.choice((None, True, 0, -1, 1e308, 2**63, 10**40))
        case 3:
            return draw.choice(("", "ok", "2026-01-01T00:00:00Z"))
        case 4:
            return [_value(draw, depth - 1) for _ in range(draw.randint(0, 4))]
    return {harmful(draw)[:50]: _value(draw, depth - 1) for _ in range(draw.randint(0, 4))}


def _nested(draw: random.Random) -> bytes:
    depth = draw.choice((199, 201, 900, 1_100, 20_000, 500_000))
    opening, closing = draw.choice(((b"[", b"]"), (b'{"name":', b"}"), (b'[{"a":', b"}]")))
    closed = depth if draw.random() < 0.5 else 0
    return opening * depth + b"1" + closing * closed


def _number(draw: random.Random) -> bytes:
    return b'{"name": ' + draw.choice(_NUMBERS).encode() + b', "version": "1"}'


def _wide(draw: random.Random) -> bytes:
    return _widest(draw.choice(_WIDE_ITEMS), draw.choice((10_000, 300_000, _MOST_WIDE)))


@cache
def _widest(item: str, size_bytes: int) -> bytes:
    return b'{"name": [' + item.encode() * (size_bytes // len(item)) + b'0], "access_token": 1}'


def _flood(draw: random.Random) -> bytes:
    """So many secrets, or so long ones, that looking for them takes all the time there is."""
    number, length = draw.choice(((20, 20), (1_000, 8), (30_000, 8), (200, 1_000), (2, 50_000)))
    letters = draw.choice(("0123456789abcdef", "!\"\\%&<' +/=\u20ac", "\\", "%25", '\n"'))
    secrets = ["".join(draw.choices(letters, k=length)) for _ in range(min(number, 2_000))]
    secrets += [f"{place:08}" for place in range(number - len(secrets))]
    text = json.dumps({"tokens": secrets, "name": "".join(secrets[:50])})
    return (text + letters[-1] * 20_000).encode() if draw.random() < 0.3 else text.encode()


def _prose(draw: random.Random) -> bytes:
    text = "\n".join(harmful(draw) for _ in range(draw.randint(1, 8)))
    markup = draw.choice(("", "<html><script>alert(1)</script>", "<?xml version='1.1'?>"))
    return (markup + text).encode("utf-8", "surrogatepass")


def _noise(draw: random.Random) -> bytes:
    return draw.randbytes(draw.choice((0, 1, 10, 1_000, 100_000)))


def _wrongly_encoded(draw: random.Random) -> bytes:
    text = json.dumps({"name": "cube", "version": harmful(draw)[:200]})
    return text.encode(draw.choice(_ENCODINGS), "replace")


def _damaged(draw: random.Random, body: bytes) -> bytes:
    """Cut a body off, or put it together wrongly; a secret that may lose its name is none."""
    at, to = sorted(draw.randrange(len(body) + 1) for _ in range(2))
    whole, body = body, body.replace(b"rq7-", b"rqx-")
    match draw.randrange(4):
        case 0:
            return whole[:at]
        case 1:
            return body[:at] + draw.randbytes(draw.randint(1, 8)) + body[at:]
        case 2:
            return body[:at] + body[to:]
    return body[:to] + body[at:]


_KINDS = (_document, _nested, _number, _wide, _flood, _prose, _noise, _wrongly_encoded)
_WEIGHTS = (60, 4, 4, 1, 2, 14, 7, 8)
