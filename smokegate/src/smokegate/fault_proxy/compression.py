"""Compressed replies: a good one, a broken one, and a small one that unpacks to gigabytes."""

from __future__ import annotations

import functools
import gzip
import struct
import zlib
from dataclasses import dataclass

from smokegate.fault_proxy.edits import ReplyEdit
from smokegate.fault_proxy.messages import Reply, Request

MIB = 1024 * 1024
# Magic, deflate, no flags, no time, no extra flags, system unknown (RFC 1952, 2.3.1).
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True)
class Gzip(ReplyEdit):
    """A good reply, compressed, for clients that accept gzip."""

    def edit(self, request: Request, reply: Reply) -> Reply:
        accepted = request.header("Accept-Encoding") or ""
        if "gzip" not in accepted or not reply.body:
            return reply
        return _as_gzip(reply, gzip.compress(reply.body, mtime=0))


@dataclass(frozen=True)
class BrokenGzip(ReplyEdit):
    """Says gzip; the stream breaks in its middle, whatever the client accepts."""

    def edit(self, request: Request, reply: Reply) -> Reply:
        if not reply.body:
            return reply
        packed = gzip.compress(reply.body, mtime=0)
        middle = (len(GZIP_HEAD) + len(packed)) // 2
        # Deflate block type 3 is reserved: every decoder must reject it (RFC 1951, 3.2.3).
        return _as_gzip(reply, packed[: len(GZIP_HEAD)] + b"\x07" + packed[middle:])


@dataclass(frozen=True)
class GzipBomb(ReplyEdit):
    """A valid gzip body of `decoded_mib` MiB of spaces, about a thousandth of it on the wire."""

    decoded_mib: int = 256

    def edit(self, request: Request, reply: Reply) -> Reply:
        return _as_gzip(reply, gzip_of_spaces(self.decoded_mib))


@functools.lru_cache(maxsize=4)
def gzip_of_spaces(decoded_mib: int) -> bytes:
    """Return a gzip stream of so many MiB of spaces, one compressed block repeated."""
    block = b" " * MIB
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # A full flush forgets what came before, so that the block stands anywhere in the stream.
    packed_block = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    last_block = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS).flush()
    checksum = 0
    for _ in range(decoded_mib):
        checksum = zlib.crc32(block, checksum)
    tail = struct.pack("<II", checksum, decoded_mib * MIB % 2**32)
    return GZIP_HEAD + packed_block * decoded_mib + last_block + tail


def _as_gzip(reply: Reply, packed: bytes) -> Reply:
    encoded = reply.with_header("Content-Encoding", "gzip").with_header("Vary", "Accept-Encoding")
    return encoded.with_body(packed)
