"""Names that resolve as a test wants, for one command: files and resolver of its own.

A mount namespace gives the command another /etc/hosts; a network namespace gives it a resolver
that knows no name, or one that never answers. Needs Linux and the right to make user namespaces;
`available()` tells.

    python names.py LOG COMMAND...      run a command where no name exists, logging each query
    python names.py "" COMMAND...       run a command whose resolver is silent
"""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

if sys.platform != "win32":
    import fcntl

NAME = "lattice.test"  # nobody has it (RFC 6761)
# For whose certificate is to be good under it, too.
CERTIFIED = ("localhost", "127.0.0.1", "::1", NAME)
PACKET_MAX_BYTES = 512
# linux/if.h and linux/sockios.h.
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x0001
# RFC 1035, 4.1.1: a response, recursion available, the name does not exist.
NO_SUCH_NAME = 0x8183


def available() -> bool:
    """Tell whether this system lets us make such namespaces."""
    try:
        tried = subprocess.run(["unshare", "-Urmn", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


def with_hosts(folder: Path, addresses: Mapping[str, Sequence[str]]) -> list[str]:
    """Return how to begin a command for which these names have these addresses."""
    hosts = folder / "hosts"
    lines = [f"{address} {name}\n" for name, found in addresses.items() for address in found]
    hosts.write_text("".join(lines))
    return ["unshare", "-Urm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]


def without_any(log: Path) -> list[str]:
    """Return how to begin a command in a network whose resolver knows no name.

    The resolver writes a line to `log` for each query that it denies.
    """
    return ["unshare", "-Urmn", sys.executable, __file__, str(log)]


def with_silent_resolver() -> list[str]:
    """Return how to begin a command in a network whose resolver hears and never answers."""
    return ["unshare", "-Urmn", sys.executable, __file__, ""]


def no_such_name(query: bytes) -> bytes:
    """Answer a query of the DNS: the question again, and that there is no such name."""
    number, _, questions = struct.unpack_from("!HHH", query)
    head = struct.pack("!HHHHHH", number, NO_SUCH_NAME, questions, 0, 0, 0)
    end = query.index(b"\0", len(head)) + 5  # the root that ends the name, its type and class
    return head + query[len(head) : end]


def _deny(resolver: socket.socket, log: Path) -> None:
    with log.open("w", buffering=1) as denied:
        while True:
            query, asker = resolver.recvfrom(PACKET_MAX_BYTES)
            denied.write(f"{query!r}\n")
            resolver.sendto(no_such_name(query), asker)


def start_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        (found,) = struct.unpack_from("16xH", flags)
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", found | IFF_UP))


def _run_where_no_name_exists(log: str, command: list[str]) -> int:
    start_loopback()
    with (
        tempfile.NamedTemporaryFile("w") as configuration,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver,
    ):
        # Whoever asks gives up after a second, so that a silent one keeps nobody longer.
        configuration.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        configuration.flush()
        subprocess.run(["mount", "--bind", configuration.name, "/etc/resolv.conf"], check=True)
        resolver.bind(("127.0.0.1", 53))
        if log:
            threading.Thread(target=_deny, args=[resolver, Path(log)], daemon=True).start()
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(_run_where_no_name_exists(sys.argv[1], sys.argv[2:]))
