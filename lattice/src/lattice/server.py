"""Serving: from the settings to a socket that answers, and back down in good order.

What an operator can have got wrong (a setting, a port, a file) ends in one line and exit code 2,
before anything is served.
"""

import asyncio
import gc
import os
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from lattice.app import create_app
from lattice.connections import Connection, Lingering
from lattice.database import Database
from lattice.logs import log_as_json
from lattice.schema import HEAD
from lattice.settings import Settings
from lattice.tracing import tracing
from lattice.workers import SIGN_OF_LIFE, serve_with_workers

EXIT_UNUSABLE = 2
BACKLOG = 2048
# Longer than what clients and proxies usually keep, so that they close first, not in the middle
# of a request.
KEEP_ALIVE_S = 75
SHUTDOWN_WITHIN_S = 10
# What is connected to a process that is replaced gets as long for its next request.
HAND_OVER_WITHIN_S = 10
STANDARD_INPUT = 0
STANDARD_OUTPUT = 1
SIGN_EVERY_TICKS = 10
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


class UnusableError(Exception):
    """Something that an operator has set cannot be used; the text is the line to print."""


def serve(host: str, port: int, *, dev: bool, listener_fd: int | None = None) -> int:
    """Serve until told to stop; return the exit code: 0, or 2 after one line on stderr.

    With the descriptor of a socket that listens, as one of several processes that share it.
    """
    try:
        settings = _settings(dev=dev)
        log_as_json()
        context = _tls(settings)
        is_worker = listener_fd is not None
        with socket.socket(fileno=listener_fd) if is_worker else listen(host, port) as listener:
            ready_line = _ready_line(settings, listener, host, tls=context is not None)
            if settings.workers > 1 and not is_worker:
                return serve_with_workers(settings, listener, ready_line)
            _run(settings, listener, context, ready_line, is_worker=is_worker)
    except UnusableError as error:
        print(f"lattice: {error}", file=sys.stderr)  # noqa: T201 - the operator's line
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        pass
    return 0


def _settings(*, dev: bool) -> Settings:
    try:
        return Settings(dev=True) if dev else Settings()
    except ValidationError as error:
        raise UnusableError("; ".join(_complaints(error))) from error


def _complaints(error: ValidationError) -> Iterator[str]:
    # The values themselves stay out of it: one of them is the secret.
    for complaint in error.errors(include_input=False, include_url=False):
        words = complaint["msg"].removeprefix("Value error, ")
        name = "_".join(str(part) for part in complaint["loc"][:1]).upper()
        yield f"LATTICE_{name}: {words}" if name else words


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # A key with a passphrase is refused: nobody is there to type it.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except (OSError, ValueError) as error:
        files = f"{settings.tls_cert} and {settings.tls_key}"
        raise UnusableError(f"LATTICE_TLS_CERT, LATTICE_TLS_KEY: {files}: {error}") from error
    return context


def listen(host: str, port: int) -> socket.socket:
    """Listen at a name or an address; raises `UnusableError` where that cannot be."""
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        # A name that does not resolve has a negative number, of another table.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror
        raise UnusableError(f"cannot listen on {host} port {port}: {reason}") from error
    # Each connection inherits it. asyncio leaves it out on a socket that it did not make, and a
    # body that follows its head waits 40 ms then for the client to acknowledge the head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _run(
    settings: Settings,
    listener: socket.socket,
    context: ssl.SSLContext | None,
    ready_line: str,
    *,
    is_worker: bool,
) -> None:
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        http=_connections(settings),
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_WITHIN_S,
        ssl_context_factory=(lambda *_: context) if context else None,
    )
    # What is there now stays: the collector need not look through it during a request.
    gc.freeze()
    gc.enable()
    server = Server(config, app, ready_line, is_worker=is_worker)
    with (
        tracing(app, settings.version),
        asyncio.Runner(loop_factory=config.get_loop_factory()) as runner,
    ):
        runner.run(_serve(app, server, listener))


def _connections(settings: Settings) -> type[Connection]:
    made = partial(
        Connection,
        timeout_s=settings.client_timeout_s,
        connections_max=settings.connections_max,
    )
    # It is called and nothing else.
    return cast("type[Connection]", made)


async def _serve(app: FastAPI, server: "Server", listener: socket.socket) -> None:
    try:
        # Entered here, not by the server, which would report a database that does not open with
        # a traceback.
        async with app.router.lifespan_context(app):
            await server.serve(sockets=[listener])
    except SQLAlchemyError as error:
        raise _unusable_database(app.state.database, error) from error


def _unusable_database(database: Database, error: SQLAlchemyError) -> UnusableError:
    reason = str(getattr(error, "orig", None) or error)
    # An outage of the database is told by its cause.
    if isinstance(error.__cause__, OSError):
        reason = f"{reason} {error.__cause__}"
    return UnusableError(f"LATTICE_DATABASE_URL: {database.name}: {reason}")


def migrate() -> int:
    """Bring the database to this version's schema; return the exit code, as `serve` does."""
    try:
        # Development: no secret is needed for this.
        print(asyncio.run(_migrate(_settings(dev=True))))  # noqa: T201 - the operator's line
    except UnusableError as error:
        print(f"lattice: {error}", file=sys.stderr)  # noqa: T201 - the operator's line
        return EXIT_UNUSABLE
    return 0


async def _migrate(settings: Settings) -> str:
    database = Database(settings.database_url)
    try:
        before = await database.migrate()
    except SQLAlchemyError as error:
        raise _unusable_database(database, error) from error
    finally:
        await database.close()
    return f"{database.name} has schema {HEAD}, it had {before or 'none'}"


def _ready_line(settings: Settings, listener: socket.socket, host: str, *, tls: bool) -> str:
    address = ANY_ADDRESS.get(host, host)
    name = f"[{address}]" if ":" in address else address
    scheme = "https" if tls else "http"
    port = listener.getsockname()[1]
    return f"Lattice API {settings.version} ready at {scheme}://{name}:{port}"


class Server(uvicorn.Server):
    """Says when it accepts connections, and ends with code 0 on SIGINT and SIGTERM.

    On SIGTERM it serves on for `drain_s` first, and says that it is not ready. A worker gives signs
    of life, and hands over when its standard input ends: it takes no more connections, and ends
    when there are none.
    """

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, ready_line: str, *, is_worker: bool
    ) -> None:
        super().__init__(config)
        self.server_state: Lingering = Lingering()
        self._app = app
        self._drain_s: float = app.state.settings.drain_s
        self._ready_line = ready_line
        self._is_worker = is_worker
        self._ends_with: int | None = None
        self._is_handing_over = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, then say so."""
        await super().startup(sockets)
        self._app.state.connections = self.server_state.connections
        if self._is_worker:
            loop = asyncio.get_running_loop()
            loop.add_reader(STANDARD_INPUT, self._hand_over)
        print(self._ready_line, flush=True)  # noqa: T201 - what starters wait for

    async def main_loop(self) -> None:
        """Serve until told to stop, and then as long as there is reason to."""
        await super().main_loop()
        if self._is_handing_over:
            await self._go_on(HAND_OVER_WITHIN_S)
        elif self._ends_with == signal.SIGTERM and self._drain_s:
            self._app.state.draining = True
            await self._go_on(self._drain_s)

    async def _go_on(self, for_s: float) -> None:
        self.should_exit = False
        self.server_state.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(for_s):
                await super().main_loop()

    async def on_tick(self, counter: int) -> bool:
        """Say whether it is time to end, ten times a second."""
        if self._is_worker and counter % SIGN_EVERY_TICKS == 0:
            # Whoever would read it may be gone: then standard input has ended too.
            with suppress(OSError):
                os.write(STANDARD_OUTPUT, SIGN_OF_LIFE)
        is_over = await super().on_tick(counter)
        return is_over or (self._is_handing_over and not self.server_state.connections)

    def _hand_over(self) -> None:
        asyncio.get_running_loop().remove_reader(STANDARD_INPUT)
        for server in self.servers:
            server.close()
        self._is_handing_over = True
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note what it was told to end with; a second signal ends it at once."""
        self._ends_with = self._ends_with or sig
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let both signals end the server in good order, without dying of them afterwards."""
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
