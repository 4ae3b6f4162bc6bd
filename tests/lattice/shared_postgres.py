"""One PostgreSQL for all worker processes of a test run, which ends when the last of them has.

python -m tests.lattice.shared_postgres FOLDER     keeps it; started by the first worker
"""

from __future__ import annotations

import fcntl
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gate.history.postgres import postgres

ROOT = Path(__file__).parents[2]
POLL_S = 0.02
STARTS_WITHIN_S = 60.0


@contextmanager
def shared_postgres(folder: Path) -> Iterator[str]:
    """The URL of the server, without a database at its end."""
    # Held until this process has ended, in whatever way: the keeper waits for that.
    with (folder / "users").open("w") as users:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            if not _url_file(folder).exists():
                _start_keeper(folder)
        yield _url_file(folder).read_text()


def _start_keeper(folder: Path) -> None:
    log = folder / "keeper.log"
    command = [sys.executable, "-m", "tests.lattice.shared_postgres", str(folder)]
    # By way of a shell that ends at once: the keeper outlives the worker that has started it.
    in_background = f"{shlex.join(command)} >{shlex.quote(str(log))} 2>&1 &"
    subprocess.run(["/bin/sh", "-c", in_background], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)
    ends = time.monotonic() + STARTS_WITHIN_S
    while not _url_file(folder).exists():
        if time.monotonic() > ends:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
        time.sleep(POLL_S)


def _keep(folder: Path) -> None:
    # A new one each time: the first may have ended before a late worker asks for another.
    server_folder = Path(tempfile.mkdtemp(prefix="server-", dir=folder))
    with (folder / "users").open("w") as users, postgres(server_folder) as url:
        written = folder / "url.new"
        written.write_text(url)
        written.rename(_url_file(folder))
        fcntl.flock(users, fcntl.LOCK_EX)
        _url_file(folder).unlink()


def _url_file(folder: Path) -> Path:
    return folder / "url"


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
