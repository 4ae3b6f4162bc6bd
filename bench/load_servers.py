"""What Lattice's own server is measured beside: another application, another server.

    python bench/load_servers.py {uvicorn|granian} {bare|lattice} CERTIFICATE KEY

It takes a free port and prints the line that Lattice prints when it is ready.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path

from fastapi import FastAPI


def bare() -> FastAPI:
    """One route that returns a constant."""
    app = FastAPI()

    @app.get("/")
    async def constant() -> dict[str, str]:
        return {"status": "healthy"}

    return app


def lattice() -> FastAPI:
    """Lattice, by its settings, without what its own server does for it."""
    from lattice.app import create_app
    from lattice.settings import Settings

    return create_app(Settings())


def by_uvicorn(name: str, port: int, certificate: str, key: str) -> None:
    import uvicorn

    uvicorn.run(
        f"load_servers:{name}",
        factory=True,
        port=port,
        log_level="warning",
        access_log=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


def by_granian(name: str, port: int, certificate: str, key: str) -> None:
    from granian import Granian
    from granian.constants import Interfaces, SSLProtocols

    Granian(
        f"load_servers:{name}",
        factory=True,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
        ssl_cert=Path(certificate),
        ssl_key=Path(key),
        ssl_protocol_min=SSLProtocols.tls12,
    ).serve()


def _tell_when_ready(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            print(f"Lattice API other ready at https://127.0.0.1:{port}", flush=True)
            return


def main() -> None:
    server, name, certificate, key = sys.argv[1:5]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    threading.Thread(target=_tell_when_ready, args=(port,), daemon=True).start()
    {"uvicorn": by_uvicorn, "granian": by_granian}[server](name, port, certificate, key)


if __name__ == "__main__":
    main()
