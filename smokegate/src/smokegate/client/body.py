"""Decompression within a bound: only encodings whose growth can be stopped in time."""

from __future__ import annotations

import math
import zlib
from typing import Any

import msgspec

from smokegate.client.transport import Answer, Failure

ACCEPT_ENCODING = "gzip, deflate"
_GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952: another member follows
_MOST_MEMBERS = 100
_MOST_VALUES = 250_000  # a value of 2 bytes takes 60 in memory
_LARGEST_EXACT = 2**53
_DEFLATE, _HEADER_CHECK = 8, 31  # RFC 1950
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def decoded(answer: Answer, max_bytes: int) -> bytes | Failure:
    """The body of an answer without its Content-Encoding; see `decode`."""
    encoding = ", ".join(
        value for name, value in answer.headers if name.lower() == "content-encoding"
    )
    if not encoding or answer.failure or not answer.body:
        return answer.body
    return decode(answer.body, encoding, max_bytes)


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


def parsed(body: bytes) -> Any:
    """Read JSON into plain data; raises `ValueError` where it is none, or too large to hold.

    A whole number is an int, however it is written: JSON has one kind of number (RFC 8259, 6).
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise ValueError(f"more than {_MOST_VALUES:,} values")
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _number(written: str) -> int | float:
    """Read a number with a fraction or an exponent; beyond 2**53 it is no exact one."""
    value = float(written)
    if math.isinf(value):
        raise ValueError("number out of range")
    return int(value) if value.is_integer() and abs(value) <= _LARGEST_EXACT else value


_DECODER = msgspec.json.Decoder(float_hook=_number)


def _inflate(body: bytes, name: str, max_bytes: int) -> bytes | Failure:
    window_bits = -15 if name == "deflate" and not _has_zlib_header(body) else _WINDOW_BITS[name]
    parts: list[bytes] = []
    room = max_bytes
    for _ in range(_MOST_MEMBERS):
        decoder = zlib.decompressobj(window_bits)
        try:
            parts.append(decoder.decompress(body, room + 1))
        except zlib.error as error:
            return Failure(kind="undecodable", detail=str(error))
        room -= len(parts[-1])
        if room < 0:
            return Failure(kind="bomb", detail=f"more than {max_bytes} bytes")
        if not decoder.eof:
            return Failure(kind="undecodable", detail="the compressed data end too early")
        body = decoder.unused_data
        if window_bits != _WINDOW_BITS["gzip"] or not body.startswith(_GZIP_MAGIC):
            return b"".join(parts)
    return Failure(kind="undecodable", detail=f"more than {_MOST_MEMBERS} gzip members")


def _has_zlib_header(body: bytes) -> bool:
    """Whether data begin as RFC 1950 has it; raw deflate hardly ever does."""
    method, header = int.from_bytes(body[:1]) & 0x0F, int.from_bytes(body[:2])
    return method == _DEFLATE and header % _HEADER_CHECK == 0
