"""The demo: a real Lattice API over TLS on a free port, verified and stopped again."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from smokegate import settings
from smokegate.errors import UsageError
from smokegate.reports.outlet import Outlet

_SUITES = Path("tests/smoke")
_STOP_S = 10
_READY = " ready at "


def run(
    verify: Callable[[settings.Settings, list[Path], Callable[[], None]], int],
    *,
    results: str | None,
    progress: TextIO,
) -> int:
    """Start Lattice, verify it with the shipped suites, stop it; returns what `verify` does.

    `verify` gets settings, suites, and what stops Lattice if it has to end the process itself.
    Raises `UsageError` outside a checkout, or if Lattice does not start.
    """
    if not _SUITES.is_dir():
        raise UsageError(f"demo: there is no {_SUITES} here; run it from a checkout")
    with ExitStack() as started:
        folder = started.enter_context(tempfile.TemporaryDirectory(prefix="smokegate-demo-"))
        ca_file, environment = _prepare(Path(folder))
        Outlet(progress).line("Starting Lattice API (SQLite, TLS) ...")
        url = started.enter_context(_lattice(environment))
        configured = settings.load(
            {
                "url": url,
                "ca_file": str(ca_file),
                "environment": "demo",
                "results": results,
                "journal": folder,  # what is at a demo's target goes with it
                "alert_on": (),
            },
            _without_target(os.environ),
        )
        return verify(configured, [_SUITES], started.close)


def _prepare(folder: Path) -> tuple[Path, dict[str, str]]:
    """Make certificates and give the environment for a Lattice of its own."""
    try:
        import trustme
    except ModuleNotFoundError:
        raise UsageError("demo: install smokegate[demo]") from None
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    ca_file, chain, key = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
    authority.cert_pem.write_to_path(ca_file)
    certificate.private_key_pem.write_to_path(key)
    for part in certificate.cert_chain_pems:
        part.write_to_path(chain, append=True)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LATTICE_")}
    return ca_file, ours | {
        "LATTICE_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'lattice.db'}",
        "LATTICE_SECRET": secrets.token_urlsafe(48),
        "LATTICE_TLS_CERT": str(chain),
        "LATTICE_TLS_KEY": str(key),
        "LATTICE_CORS_ORIGINS": "http://localhost:3000",
    }


@contextmanager
def _lattice(environment: dict[str, str]) -> Iterator[str]:
    """Run Lattice and give its URL; it is stopped however the block ends."""
    command = [sys.executable, "-m", "lattice", "serve", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            line = process.stdout.readline()
            if _READY not in line:
                raise UsageError("demo: Lattice did not start; is it installed? (make setup)")
            yield line.partition(_READY)[2].strip()
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _without_target(environ: os._Environ[str]) -> dict[str, str]:
    """The caller's settings without those that point at another target."""
    skipped = ("PRODUCTION_URL", "SMOKEGATE_URL", "SMOKEGATE_CA_FILE", "SMOKEGATE_EXPECT_VERSION")
    return {name: value for name, value in environ.items() if name not in skipped}
