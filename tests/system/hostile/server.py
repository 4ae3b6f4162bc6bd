"""The hostile target: a process of its own, which answers each path as its seed says."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import NamedTuple

from smokegate.fault_proxy.certificates import ServedCertificate

from tests.system.hostile.replies import Reply, reply_to


class Target(NamedTuple):
    """Where the hostile target listens."""

    url: str
    tls_url: str


@contextmanager
def hostile_target(seed: str, certificate: ServedCertificate) -> Iterator[Target]:
    """Run the target until the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, seed, certificate), daemon=True)
    process.start()
    try:
        port, tls_port = ours.recv()
        yield Target(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}")
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, seed: str, certificate: ServedCertificate) -> None:
    asyncio.run(_listen(pipe, seed, certificate))


async def _listen(pipe: Connection, seed: str, certificate: ServedCertificate) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await _converse(reader, writer, seed)
        if not writer.is_closing():
            writer.transport.abort()

    parent_gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), parent_gone.set)
    plain = await asyncio.start_server(accept, "127.0.0.1", 0)
    secure = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=certificate.context())
    pipe.send([server.sockets[0].getsockname()[1] for server in (plain, secure)])
    await parent_gone.wait()


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seed: str) -> None:
    while True:
        path = await _request(reader)
        reply = reply_to(path, seed)
        await _deliver(reply, reader, writer)
        if reply.ending != "keep":
            return


async def _request(reader: asyncio.StreamReader) -> str:
    """Read one request and give its path."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            await reader.readexactly(int(value))
    return head.split(b" ", 2)[1].decode("latin-1")


async def _deliver(
    reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    for piece in reply.pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(reply.pace_s)
    if reply.ending == "endless":
        while True:
            writer.write(reply.pieces[-1])
            await writer.drain()
            await asyncio.sleep(0)  # drain may not yield, and nobody would hear of the end
    elif reply.ending == "hang":
        await reader.read()  # until the client has had enough
    elif reply.ending == "reset" and not writer.is_closing():
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif reply.ending == "close":
        writer.close()
        await writer.wait_closed()
