"""A real nginx on a free port, with the site that a test puts into it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.test_prometheus import until

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
HOW = "no nginx: make ci-tools"


@contextmanager
def serving(folder: Path, site: str, port: int) -> Iterator[None]:
    """Serve a site, which listens on a port of this machine."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; user root;\nevents {{}}\n"
        f"http {{ access_log off; {' '.join(f'{kind}_temp_path {folder};' for kind in kinds)}\n"
        f"{site}\n}}\n",
        encoding="utf-8",
    )
    command = [str(NGINX), "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: _listens(port))
            yield
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port)):
        return True
