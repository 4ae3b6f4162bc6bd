"""Whether Lattice does what its OpenAPI description says, asked of everything in it.

`make contract` asks for long; a test asks a little. To ask for as many examples as one likes:

    .venv/bin/python -m tests.lattice.contract [EXAMPLES]
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.lattice.processes import Served
from tests.lattice.servers import Redis

HERE = Path(__file__).parent
SERVED = {
    "LATTICE_RATE_LIMIT_ANONYMOUS": "1000000",
    "LATTICE_RATE_LIMIT_SESSION": "1000000",
    "LATTICE_RATE_LIMIT_TENANT": "1000000",
    # Whoever asks for long registers addresses that are taken.
    "LATTICE_LOGIN_LIMIT_ADDRESS": "1000000",
    "LATTICE_PASSWORD_TIME_COST": "1",
    "LATTICE_PASSWORD_MEMORY_KIB": "64",
    # Receivers that are made up are not called.
    "LATTICE_WEBHOOKS_ALLOW_PRIVATE": "false",
}
A_LITTLE = ("--phases", "examples,fuzzing", "--max-examples", "2", "--generation-deterministic")
FOR_LONG = ("--generation-database", "none", "--max-examples")
EXAMPLES = 200


def check(
    url: str, options: Sequence[str], *, with_token: bool
) -> subprocess.CompletedProcess[str]:
    """Run every check of schemathesis against the service at `url`."""
    # Beside the hooks' own client a few standard modules only: this folder is no package to it.
    hooks = {"SCHEMATHESIS_HOOKS": "contract_hooks", "PYTHONPATH": str(HERE)}
    environment = os.environ | hooks | {"CONTRACT_URL": url}
    with TemporaryDirectory() as folder:
        return subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", str(HERE / "schemathesis.toml")),
                *("run", f"{url}/openapi.json", "--checks", "all", "--no-color"),
                *("--warnings", "off", *options),
            ],
            env=environment | ({"CONTRACT_TOKEN": "1"} if with_token else {}),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )


def main() -> int:
    """Ask for long, with and without a token; return the worst exit code."""
    codes = []
    options = (*FOR_LONG, *(sys.argv[1:] or [str(EXAMPLES)]))
    with Redis() as redis, TemporaryDirectory() as folder:
        settings = SERVED | {"LATTICE_DATABASE_URL": f"sqlite:///{folder}/lattice.db"}
        settings |= {"LATTICE_REDIS_URL": redis.url}
        with Served("--dev", settings=settings) as served:
            for with_token in (True, False):
                ended = check(served.url, options, with_token=with_token)
                sys.stdout.write(ended.stdout + ended.stderr)
                codes.append(ended.returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
