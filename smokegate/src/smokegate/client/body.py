"""Decompression within a bound: only encodings whose growth can be stopped in time."""

from __future__ import annotations

import zlib

from smokegate.client.transport import Failure

ACCEPT_ENCODING = "gzip, deflate"
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def decode(body: bytes, encoding: str, max_bytes: int) -> bytes | Failure:
    """Undo a Content-Encoding (RFC 9110, 8.4), giving at most `max_bytes`.

    Several encodings are undone from the last to the first; `deflate` is taken with and without
    its zlib wrapper, as servers send both.
    """
    for name in reversed([part.strip().lower() for part in encoding.split(",")]):
        if name in ("", "identity"):
            continue
        if name not in _WINDOW_BITS:
            return Failure(kind="undecodable", detail=f"encoding {name[:40]!r} was not offered")
        decoded = _inflate(body, name, max_bytes)
        if isinstance(decoded, Failure):
            return decoded
        body = decoded
    return body


def _inflate(body: bytes, name: str, max_bytes: int) -> bytes | Failure:
    raw_deflate = name == "deflate" and (not body or body[0] & 0x0F != 8)  # noqa: PLR2004 - RFC 1950
    decoder = zlib.decompressobj(-15 if raw_deflate else _WINDOW_BITS[name])
    try:
        decoded = decoder.decompress(body, max_bytes + 1)
    except zlib.error as error:
        return Failure(kind="undecodable", detail=str(error))
    if len(decoded) > max_bytes:
        return Failure(kind="bomb", detail=f"more than {max_bytes} bytes")
    if not decoder.eof:
        return Failure(kind="undecodable", detail="the compressed data end too early")
    return decoded
