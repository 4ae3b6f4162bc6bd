"""A place with a network of its own, in which a command runs: roads lead out of it, and no other.

The network is a namespace with a loopback alone. Listening sockets in it are handed out to the
process that asked for the place; what is accepted there can be relayed to wherever that process
likes, as slowly as it likes. Needs Linux and the right to make namespaces; `available()` tells.

    python place.py SOCKET PORT,PORT COMMAND...     hand listeners out over SOCKET, then run COMMAND
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.system.delay_relay import DelayRelay
from tests.system.names import available, start_loopback

PR_SET_PDEATHSIG = 1  # linux/prctl.h

__all__ = ["Road", "available", "started"]


class Road(DelayRelay):
    """The way from a place to a server; it can be closed, opened and made slow."""

    def __init__(self, upstream_url: str, listener: socket.socket, rtt_s: float) -> None:
        super().__init__(upstream_url, rtt_s, listener=listener)
        self._usual_rtt_s = rtt_s
        self._is_closed = False

    def close_off(self) -> None:
        """Reset whatever comes this way."""
        self._is_closed = True
        self._loop.call_soon_threadsafe(self.reset_all)

    def slow_down(self, rtt_s: float) -> None:
        """Make it longer, for what connects from now on."""
        self._rtt_s = rtt_s

    def repair(self) -> None:
        """Make it as it was."""
        self._is_closed, self._rtt_s = False, self._usual_rtt_s

    async def __aenter__(self) -> Road:
        self._loop = asyncio.get_running_loop()
        return await super().__aenter__()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_closed:
            writer.transport.abort()
        else:
            super().accept(reader, writer)


def started(
    command: Sequence[str],
    upstream_urls: Sequence[str],
    folder: Path,
    rtt_s: float,
    environment: Mapping[str, str],
) -> tuple[subprocess.Popen[bytes], list[Road]]:
    """Start a command in a place of its own, from which these servers are as far as that.

    They have the addresses there that they have here. The command leads a process group; what it
    says goes to `folder/log`.
    """
    ports = ",".join(str(urlsplit(url).port) for url in upstream_urls)
    meeting = folder / "roads"
    with socket.socket(socket.AF_UNIX) as gate, (folder / "log").open("ab") as log:
        meeting.unlink(missing_ok=True)
        gate.bind(str(meeting))
        gate.listen()
        process = subprocess.Popen(
            ["unshare", "-Urn", sys.executable, "-m", __name__, str(meeting), ports, *command],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        connection, _ = gate.accept()
        with connection:
            _, handed, _, _ = socket.recv_fds(connection, 1, len(upstream_urls))
    listeners = [socket.socket(fileno=descriptor) for descriptor in handed]
    pairs = zip(upstream_urls, listeners, strict=True)
    return process, [Road(url, listener, rtt_s) for url, listener in pairs]


def _hand_out_and_run(meeting: str, ports: str, command: list[str]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # it does not outlive who asked
    start_loopback()
    listeners = [socket.create_server(("127.0.0.1", int(port))) for port in ports.split(",")]
    with socket.socket(socket.AF_UNIX) as asker:
        asker.connect(meeting)
        socket.send_fds(asker, [b"x"], [listener.fileno() for listener in listeners])
    for listener in listeners:
        listener.close()
    os.execvp(command[0], command)


if __name__ == "__main__":
    _hand_out_and_run(sys.argv[1], sys.argv[2], sys.argv[3:])
