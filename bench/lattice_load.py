"""What Lattice does under load, beside a route that does nothing.

    .venv/bin/python -m bench.lattice_load [SECONDS]

wrk (Debian: apt-get install wrk) asks over TLS on kept connections, 16 at once, on the machine that
also serves. Beside the rate and the 95th percentile stands the processor time that the server took
for a request, which says more where both share two cores. Each cell is the median of three rounds,
in which all targets take turns.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from smokegate.fault_proxy.certificates import Certificates

from tests.lattice.databases import PostgresDatabase
from tests.lattice.servers import Postgres, Redis
from tests.system.lattice_process import UNHURRIED, LatticeProcess

ROUNDS = 3
CONNECTIONS = 16
UNLIMITED = UNHURRIED | {
    "LATTICE_RATE_LIMIT_SESSION": "100000000",
    "LATTICE_RATE_LIMIT_TENANT": "100000000",
    "LATTICE_RATE_LIMIT_ANONYMOUS": "100000000",
}
REPORT = """
done = function(summary, latency, _)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %f, "p95_ms": %f, "errors": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(95) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
BARE = """
import sys
import fastapi, uvicorn
app = fastapi.FastAPI()

@app.get("/")
async def constant() -> dict[str, str]:
    return {"status": "healthy"}

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"Lattice API bare ready at https://127.0.0.1:{port}", flush=True)

certificate, key = sys.argv[1:3]
Server(uvicorn.Config(
    app, port=0, log_level="warning", access_log=False, ssl_certfile=certificate, ssl_keyfile=key,
)).run()
"""


@dataclass(frozen=True)
class Target:
    """A route of a running server."""

    name: str
    url: str
    pid: int
    headers: Mapping[str, str]
    body: str = ""


class Load(NamedTuple):
    """What one round measured."""

    rate: float
    p95_ms: float
    cpu_ms: float


def main() -> None:
    """Measure and print the table."""
    if not shutil.which("wrk"):
        sys.exit("lattice_load: wrk is missing: apt-get install wrk")
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        targets = list(_targets(Path(folder), running))
        script = Path(folder) / "report.lua"
        measured: dict[str, list[Load]] = {}
        for _ in range(ROUNDS):
            for target in targets:
                measured.setdefault(target.name, []).append(_load(target, script, seconds))
    print("| | requests a second | p95 | processor time of a request |")
    print("|---|---|---|---|")
    for name, loads in measured.items():
        rate, p95_ms, cpu_ms = (median(values) for values in zip(*loads, strict=True))
        print(f"| {name} | {rate:,.0f} | {p95_ms:.1f} ms | {cpu_ms:.2f} ms |")


def _targets(folder: Path, running: ExitStack) -> Iterator[Target]:
    certificates = Certificates(folder, ["127.0.0.1", "localhost"])
    postgres, redis = running.enter_context(_postgres(folder)), running.enter_context(Redis())
    kinds: dict[str, dict[str, str]] = {
        "SQLite": {},
        "PostgreSQL and Redis": {
            "LATTICE_DATABASE_URL": postgres.url,
            "LATTICE_REDIS_URL": redis.url,
        },
    }
    bare = running.enter_context(_bare(folder, certificates))
    yield Target("a bare FastAPI route", bare.url + "/", bare.pid, {})
    for kind, settings in kinds.items():
        own = folder / kind
        own.mkdir()
        lattice = running.enter_context(
            LatticeProcess(own, certificates.good(), certificates.ca_file, UNLIMITED | settings)
        )
        yield from _routes(kind, lattice)


def _routes(kind: str, lattice: LatticeProcess) -> Iterator[Target]:
    account = {"email": "a@example.com", "password": "Long enough 1", "tenant_name": "a"}
    token = _post(lattice, "/api/auth/register", account)["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    _post(lattice, "/api/subscriptions", {"plan": "enterprise"}, headers)
    new = {"name": "cube", "dimensions": [5, 5, 5]}
    made = _post(lattice, "/api/lattices", new, headers)
    read, url, pid = f"/api/lattices/{made['id']}", lattice.url, lattice.pid
    yield Target(f"{kind}: GET /version", url + "/version", pid, {})
    yield Target(f"{kind}: GET /health", url + "/health", pid, {})
    yield Target(f"{kind}: read a lattice", url + read, pid, headers)
    as_json = headers | {"Content-Type": "application/json"}
    yield Target(f"{kind}: make a lattice", url + "/api/lattices", pid, as_json, json.dumps(new))


def _post(
    lattice: LatticeProcess, path: str, body: object, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    request = urllib.request.Request(
        lattice.url + path,
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **(headers or {})},
    )
    context = ssl.create_default_context(cafile=str(lattice.ca_file))
    with urllib.request.urlopen(request, context=context) as reply:
        found: dict[str, Any] = json.load(reply)
    return found


@contextmanager
def _bare(folder: Path, certificates: Certificates) -> Iterator[LatticeProcess]:
    program, certificate = folder / "bare.py", certificates.good()
    program.write_text(BARE)
    own = folder / "bare"
    own.mkdir()
    command = (sys.executable, program, certificate.chain_file, certificate.key_file)
    with LatticeProcess(own, certificate, certificates.ca_file, command=command) as bare:
        yield bare


@contextmanager
def _postgres(folder: Path) -> Iterator[PostgresDatabase]:
    own = folder / "postgres"
    own.mkdir()
    with Postgres(own) as server:
        database = PostgresDatabase(server.url, "load")
        database.migrate()
        try:
            yield database
        finally:
            database.close()


def _load(target: Target, script: Path, seconds: int) -> Load:
    lines = [REPORT]
    if target.body:
        lines += ['wrk.method = "POST"', f"wrk.body = {json.dumps(target.body)}"]
    script.write_text("\n".join(lines))
    headers = [
        part for name in target.headers for part in ("-H", f"{name}: {target.headers[name]}")
    ]
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), *headers]
    before_s = _cpu_s(target.pid)
    done = subprocess.run([*command, target.url], capture_output=True, text=True, check=True)
    took_s = _cpu_s(target.pid) - before_s
    found = re.search(r"\{.*\}", done.stdout)
    if not found or (told := json.loads(found[0]))["errors"]:
        sys.exit(f"lattice_load: {target.name}: {done.stdout}")
    rate = told["requests"] / told["seconds"]
    return Load(rate, told["p95_ms"], took_s * 1000 / told["requests"])


def _cpu_s(pid: int) -> float:
    """Processor time of a process and its children."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    ticks = 0
    for each in pids:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
