"""nginx with TLS and HTTP/2 in front of the backend; its log says what each tool did."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from smokegate.fault_proxy.certificates import Certificates

from tests.system.nginx import serving
from tests.system.ports import free_port
from tests.system.test_prometheus import until

_SITE = """
    log_format seen escape=json
        '["$connection", "$server_protocol", "$uri", "$request_method"]';
    upstream backend {{ server 127.0.0.1:{backend}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        access_log {log} seen;
        location / {{
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
"""
_MARK = "/end-of-a-tool"
_ID = re.compile(r"/[0-9a-f]{16}(?=/|$)")


@dataclass(frozen=True)
class Seen:
    """What one tool asked for: how often which method and path, over how many connections."""

    requests: Counter[str]
    connections: int
    protocols: frozenset[str]


class Server:
    """The service, over TLS, HTTP/2 and HTTP/1.1; `url` is where it is to be reached directly."""

    def __init__(self, port: int, backend: int, ca_file: Path, log: Path) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.ca_file = ca_file
        self._backend = f"http://127.0.0.1:{backend}"
        self._log = log
        self._read_bytes = 0

    def break_one(self, fault: str) -> None:
        """Have one fault, or "none"."""
        self._ask(f"/fault/{quote(fault)}", "PUT")

    def accounts(self) -> list[str]:
        """Who is registered."""
        found: list[str] = json.loads(self._ask("/accounts", "GET"))
        return found

    def seen(self) -> Seen:
        """What was asked for since it was last said; nobody may be asking meanwhile."""
        self._leave_a_mark()
        lines: list[list[str]] = []

        def has_the_mark() -> bool:
            lines.extend(self._new_lines())
            return bool(lines) and _MARK in lines[-1]

        until(has_the_mark)
        lines.pop()
        return Seen(
            Counter(f"{method} {_ID.sub('/{id}', path)}" for _, _, path, method in lines),
            len({connection for connection, *_ in lines}),
            frozenset(protocol for _, protocol, *_ in lines),
        )

    def _leave_a_mark(self) -> None:
        """Ask for something ourselves: whatever was asked before stands before it in the log."""
        trusting = ssl.create_default_context(cafile=str(self.ca_file))
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(self.url + _MARK, context=trusting)

    def _new_lines(self) -> list[list[str]]:
        """What nginx has written since the last time, whole lines only."""
        with self._log.open("rb") as log:
            log.seek(self._read_bytes)
            added = log.read().rpartition(b"\n")[0]
        self._read_bytes += len(added) + bool(added)
        return [json.loads(line) for line in added.splitlines()]

    def _ask(self, path: str, method: str) -> bytes:
        asked = urllib.request.Request(self._backend + path, method=method)
        with urllib.request.urlopen(asked) as reply:
            content: bytes = reply.read()
        return content


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Serve for a while; everything is in a folder."""
    certificates = Certificates(folder)
    served, port, log = certificates.good(), free_port(), folder / "access.log"
    command = [sys.executable, "-m", "bench.time_to_verdict.backend"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            backend = int(process.stdout.readline())
            site = _SITE.format(
                backend=backend, port=port, chain=served.chain_file, key=served.key_file, log=log
            )
            with serving(folder, site, port):
                yield Server(port, backend, certificates.ca_file, log)
        finally:
            process.terminate()
