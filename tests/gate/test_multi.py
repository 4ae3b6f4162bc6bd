"""Transfers on one connection over TLS, where libcurl reads further than it looks."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from typing import NamedTuple

import pycurl
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from smokegate.client.curl import CurlTransport
from smokegate.client.multi import Multi
from smokegate.client.transport import Request
from smokegate.fault_proxy.certificates import Certificates


class Served(NamedTuple):
    """One connection of a server that says nothing by itself."""

    tls: ssl.SSLSocket
    http: H2Connection

    def requests(self, number: int) -> list[int]:
        """Wait for so many requests; their streams, in the order of their paths."""
        streams: dict[bytes, int] = {}
        while len(streams) < number:
            for event in self.http.receive_data(self.tls.recv(65_536)):
                if isinstance(event, RequestReceived):
                    streams[dict(event.headers)[b":path"]] = event.stream_id
            self.flush()
        return [streams[path] for path in sorted(streams)]

    def begin(self, stream: int) -> None:
        self.http.send_headers(stream, [(":status", "200")])
        self.flush()

    def end(self, stream: int) -> None:
        self.http.send_data(stream, b"x", end_stream=True)
        self.flush()

    def flush(self) -> None:
        """Send what there is, in a TLS record of its own."""
        self.tls.sendall(self.http.data_to_send())


@contextmanager
def serving(tls: ssl.SSLContext) -> Iterator[tuple[str, Future[Served]]]:
    """Wait in a thread for one connection over HTTP/2."""
    tls.set_alpn_protocols(["h2"])
    with create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:

        def accepted() -> Served:
            client, _ = listener.accept()
            served = Served(
                tls.wrap_socket(client, server_side=True),
                H2Connection(config=H2Configuration(client_side=False)),
            )
            served.http.initiate_connection()
            served.flush()
            return served

        connection = thread.submit(accepted)
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", connection
        connection.result().tls.close()


def handle(url: str, ca_file: Path) -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.CAINFO, str(ca_file))
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    curl.setopt(pycurl.PIPEWAIT, 1)
    curl.setopt(pycurl.TIMEOUT_MS, 20_000)
    curl.setopt(pycurl.WRITEFUNCTION, len)
    return curl


async def test_a_reply_that_comes_with_the_end_of_another_is_not_forgotten(
    certificates: Certificates,
) -> None:
    """libcurl has looked for the first by then, and reads no further than the end of the other."""
    multi, is_due = Multi(max_connections=1), False

    def send_the_rest(*_: int) -> None:
        """Called when the first transfer has looked, and before the second does."""
        nonlocal is_due
        if is_due:
            is_due = False
            served.end(second)
            served.begin(first)
            served.end(first)

    with serving(certificates.good().context()) as (url, connection):
        curls = [handle(f"{url}/{number}", certificates.ca_file) for number in (1, 2)]
        curls[0].setopt(pycurl.NOPROGRESS, 0)
        curls[0].setopt(pycurl.XFERINFOFUNCTION, send_the_rest)
        transfers = asyncio.gather(*(multi.perform(curl) for curl in curls))
        served = await asyncio.wrap_future(connection)
        first, second = await asyncio.to_thread(served.requests, 2)
        is_due = True
        served.begin(second)
        await transfers
        multi.close()
    assert not is_due
    assert [curl.getinfo(pycurl.CONN_ID) for curl in curls] == [0, 0]


async def test_sockets_that_cannot_be_waited_for_are_trouble_of_our_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """libcurl then gives up all that is under way, with a code that means another thing there."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "too many are watched")

    transport = CurlTransport(max_reply_bytes=1_000, max_connections=2)
    with create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        request = Request(method="GET", url=url, headers=[])
        first = asyncio.create_task(transport.send(request))
        client, _ = await asyncio.to_thread(listener.accept)
        with client:
            await asyncio.to_thread(client.recv, 65_536)
            with monkeypatch.context() as patched:
                patched.setattr(asyncio.get_running_loop(), "add_reader", full)
                answers = [await transport.send(request), await first]
    await transport.close()
    assert answers[1].sends == 1
    assert [answer.failure and answer.failure.kind for answer in answers] == ["local", "local"]
