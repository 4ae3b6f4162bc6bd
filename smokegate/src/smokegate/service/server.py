"""`smokegate serve`: the history over HTTP until it is told to end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from smokegate.errors import UsageError
from smokegate.history.remembering import opened, url_of
from smokegate.service.app import application
from smokegate.settings import Settings


def run(settings: Settings, host: str, port: int, tell: Callable[[str], None]) -> int:
    """Serve; `tell` hears where. Raises `UsageError` where nothing can be served."""
    url = url_of(settings)
    if not url:
        raise UsageError("serve: history is none: there is nothing to serve")
    store = opened(url)
    try:
        listening = _listen(host, port)
        name = f"[{host}]" if ":" in host else host
        tell(f"Serving {store.name} at http://{name}:{listening.getsockname()[1]}")
        config = uvicorn.Config(
            application(store), log_level="warning", access_log=False, server_header=False
        )
        with suppress(KeyboardInterrupt):  # uvicorn passes on the signal that ended it
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        store.close()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(f"serve: {host}:{port}: {error.strerror or error}") from None
