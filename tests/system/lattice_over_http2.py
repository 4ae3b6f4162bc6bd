"""Lattice behind a server that speaks HTTP/2, which its own does not; the same line when ready.

python lattice_over_http2.py --port 0      settings from the environment, as `lattice serve`
"""

from __future__ import annotations

import asyncio
import socket
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config
from lattice.app import create_app
from lattice.settings import Settings


def main() -> None:
    """Serve until told to stop."""
    settings = Settings()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.certfile, config.keyfile = str(settings.tls_cert), str(settings.tls_key)
    config.alpn_protocols = ["h2"]
    # What connects from now on waits in the backlog until it is served.
    sys.stdout.write(f"Lattice API {settings.version} ready at https://127.0.0.1:{port}\n")
    sys.stdout.flush()
    asyncio.run(serve(create_app(settings), config))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
