"""`smokegate serve`: the history over HTTP until it is told to end."""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from smokegate import journal, streams, targets
from smokegate.errors import UsageError
from smokegate.history.remembering import opened, url_of
from smokegate.service.access.visitors import Rules
from smokegate.service.app import application
from smokegate.service.arguments import LOOPBACK
from smokegate.service.gate.gate import Gate
from smokegate.service.gate.github import GitHub
from smokegate.service.gate.ledger import Ledger
from smokegate.settings import Settings
from smokegate.signals import Insistence, handled
from smokegate.targets import Target

_ONLY = "default"
_OPEN = (
    "smokegate: whoever reaches this address can read the history, and nobody can label runs: set "
    "SMOKEGATE_TOKEN to ask for a login"
)


class _Server(uvicorn.Server):
    """Ends in order at the first signal, and at once at one that comes a second or more later.

    uvicorn by itself does not know SIGHUP, and leaves the gate open where SIGINT is told twice.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Heed signals while it serves."""
        with handled(Insistence(self._end, _end_at_once)):
            yield

    def _end(self, _name: str) -> None:
        self.should_exit = True


def _end_at_once(name: str) -> None:
    streams.say_at_once(f"smokegate: {name}, the second signal, ended it at once; its runs go on")
    os._exit(0)


def run(asked: argparse.Namespace, settings: Settings, tell: Callable[[str], None]) -> int:
    """Serve; `tell` hears where. Raises `UsageError` where nothing can be served."""
    url = url_of(settings)
    if not url:
        raise UsageError("serve: history is none: there is nothing to serve")
    rules, is_local = _rules(asked, settings), _is_loopback(asked.host)
    # Names are not asked for elsewhere: what leads there is known to whoever set it up alone.
    hosts = asked.allowed_host or ([] if is_local else None)
    there, github = _targets(asked, settings), GitHub(settings)
    store = opened(url)
    try:
        gate = _gate(asked, settings, there)
        listening = listen(asked.host, asked.port)
        name = f"[{asked.host}]" if ":" in asked.host else asked.host
        tell(f"Serving {store.name} at http://{name}:{listening.getsockname()[1]}")
        if not (rules.ask or is_local):
            streams.say(_OPEN)
        config = uvicorn.Config(
            application(
                store,
                rules,
                hosts,
                gate=gate,
                github=github,
                dashboard_url=github.dashboard_url,
            ),
            lifespan="on",  # without the gate, as it is taken up there, nothing may be served
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whom to believe is ours to decide
        )
        server = _Server(config)
        if gate:
            gate.is_ending = lambda: server.should_exit
        server.run(sockets=[listening])
    finally:
        store.close()
    return 0


def _targets(asked: argparse.Namespace, settings: Settings) -> dict[str, Target]:
    """What runs can be asked for of: the one target also goes by its environment."""
    if asked.targets:
        return targets.read(Path(asked.targets), os.environ)
    only = Target(_ONLY, settings, ())
    return {_ONLY: only, settings.environment: only}


def _gate(asked: argparse.Namespace, settings: Settings, there: dict[str, Target]) -> Gate | None:
    """The gate; without one, the history is served all the same."""
    try:
        ledger = Ledger(journal.folder(settings.journal))
    except OSError as error:
        streams.say(f"smokegate: no runs can be asked for here: {error.strerror or error}")
        return None
    file = str(Path(asked.targets).resolve()) if asked.targets else ""
    return Gate(there, ledger, targets_file=file)


def _rules(asked: argparse.Namespace, settings: Settings) -> Rules:
    by_default = LOOPBACK if asked.user_header else ()
    return Rules(
        token=settings.token,
        user_header=asked.user_header or "",
        proxies=tuple(asked.trusted_proxy or by_default),
        public_read=asked.public_read,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """Listen at a name or an address; raises `UsageError` where that cannot be."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(f"serve: {host}:{port}: {error.strerror or error}") from None
    except (TypeError, ValueError):  # of a name that the resolver does not take
        raise UsageError(f"serve: {host!r} is no name of a host") from None
    # Each connection inherits it. asyncio leaves it out on a socket that it did not make, and a
    # body that follows its head waits 40 ms then for the client to acknowledge the head.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
