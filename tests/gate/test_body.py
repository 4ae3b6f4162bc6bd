"""Decompression stays within its bound, and says what is broken."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.client.body import decode, parsed
from smokegate.client.transport import Failure

TEXT = b"a body that is worth compressing, " * 20


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("GZip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT, 9)),
        ("deflate", raw_deflate(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
        (" , gzip , ", gzip.compress(TEXT)),
        ("gzip, identity", gzip.compress(TEXT)),
        ("gzip, deflate", zlib.compress(gzip.compress(TEXT))),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
        # RFC 1952, 2.2: a gzip file may be several, one after the other.
        ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
        ("gzip", gzip.compress(TEXT) + gzip.compress(b"")),
        ("gzip", gzip.compress(TEXT) + b"trailing bytes are ignored"),
    ],
    ids=range(15),
)
def test_encodings_are_undone(encoding: str, body: bytes) -> None:
    assert decode(body, encoding, len(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", TEXT),
        ("gzip", gzip.compress(TEXT)[:-9]),
        ("gzip", gzip.compress(TEXT)[:5]),
        ("gzip", gzip.compress(TEXT)[:-8] + b"\0" * 8),
        ("gzip", gzip.compress(TEXT) + gzip.compress(TEXT)[:10]),
        ("deflate", TEXT),
        ("deflate", zlib.compress(TEXT)[:-4]),
        ("deflate", b"\x78"),
        ("br", TEXT),
        ("zstd", TEXT),
        ("gzip, br", TEXT),
        ("\x00", TEXT),
    ],
    ids=range(12),
)
def test_what_is_broken_is_undecodable(encoding: str, body: bytes) -> None:
    failure = decode(body, encoding, 1_000_000)
    assert isinstance(failure, Failure)
    assert failure.kind == "undecodable"


def test_an_encoding_that_was_not_offered_is_named() -> None:
    failure = decode(b"x", "zstd" * 100, 10)
    assert isinstance(failure, Failure)
    assert "zstd" in failure.detail
    assert len(failure.detail) < 100


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_the_bound_is_exact(encoding: str) -> None:
    compress = gzip.compress if encoding == "gzip" else zlib.compress
    assert decode(compress(b"x" * 1000), encoding, 1000) == b"x" * 1000
    failure = decode(compress(b"x" * 1001), encoding, 1000)
    assert isinstance(failure, Failure)
    assert failure.kind == "bomb"


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"\0" * 10_000_000, 9),
        gzip.compress(b"\0" * 90_000) * 20,  # each part within the bound, the whole not
        gzip.compress(gzip.compress(b"\0" * 10_000_000, 9), 9),
    ],
    ids=["one", "many parts", "nested"],
)
def test_a_bomb_is_stopped(body: bytes) -> None:
    encoding = "gzip, gzip" if len(body) < 1000 else "gzip"
    failure = decode(body, encoding, 100_000)
    assert isinstance(failure, Failure)
    assert failure.kind == "bomb"


def test_many_encodings_do_not_take_forever() -> None:
    failure = decode(gzip.compress(TEXT), ", ".join(["gzip"] * 50), 100_000)
    assert isinstance(failure, Failure)


def test_many_empty_parts_do_not_take_forever() -> None:
    failure = decode(gzip.compress(b"") * 500_000, "gzip", 100_000)
    assert isinstance(failure, Failure)


@given(st.binary(max_size=200), st.sampled_from(("gzip", "deflate", "gzip, deflate")))
def test_any_bytes_end_as_a_body_or_a_failure(body: bytes, encoding: str) -> None:
    decoded = decode(body, encoding, 10_000)
    assert isinstance(decoded, Failure) or len(decoded) <= 10_000


@given(st.binary(max_size=500))
def test_deflate_both_ways(data: bytes) -> None:
    assert decode(zlib.compress(data), "deflate", 500) == data
    assert decode(raw_deflate(data), "deflate", 500) == data


@pytest.mark.parametrize("item", [b"[],", b"{},", b'{"a":0},', b"0,"])
def test_json_with_more_values_than_memory_is_refused_unread(item: bytes) -> None:
    with pytest.raises(ValueError, match="more than 250,000 values"):
        parsed(b"[" + item * 250_000 + b"0]")


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'"\xff"', b'"\\ud800"', b"9" * 5_000])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parsed(body)
