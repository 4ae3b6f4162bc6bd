"""What Lattice does under load, beside a route that does nothing and beside another server.

    .venv/bin/python -m bench.lattice_load [SECONDS]

wrk (Debian: apt-get install wrk) asks over TLS on kept connections, 16 at once, on the machine that
also serves. A cell is the rate, the 95th percentile and the processor time that the server took
for a request, which says more where both share two cores. Each is the median of three rounds,
in which all targets take turns; SECONDS is how long a target is asked in a round. The rows of
granian need the dependency group `bench`.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from uuid import uuid4

from smokegate.fault_proxy.certificates import Certificates

from tests.lattice.databases import PostgresDatabase
from tests.lattice.servers import Postgres, Redis
from tests.system.lattice_process import SERVE, UNHURRIED, LatticeProcess

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
OTHER_SERVERS = Path(__file__).with_name("load_servers.py")
SECONDS = 2


@dataclass(frozen=True)
class Target:
    """A route of a running server: `request` of the row `server`."""

    server: str
    request: str
    url: str
    pid: int
    headers: Mapping[str, str]
    body: str = ""


class Load(NamedTuple):
    """What one round measured."""

    rate: float
    p95_ms: float
    cpu_ms: float


def main() -> int:
    """Measure and print the table; 1 where nothing can be measured."""
    if not shutil.which("wrk"):
        print("lattice_load: left out, wrk is missing: apt-get install wrk", file=sys.stderr)
        return 1
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        targets = list(_targets(Path(folder), running))
        script = Path(folder) / "report.lua"
        measured: dict[tuple[str, str], list[Load]] = {}
        for _ in range(ROUNDS):
            for target in targets:
                loads = measured.setdefault((target.server, target.request), [])
                loads.append(_load(target, script, seconds))
    print(_table(measured))
    return 0


def _table(measured: Mapping[tuple[str, str], Sequence[Load]]) -> str:
    requests = list(dict.fromkeys(request for _, request in measured))
    rows = [["", *requests], ["---"] * (1 + len(requests))]
    for server in dict.fromkeys(server for server, _ in measured):
        cells = [_cell(measured.get((server, request), ())) for request in requests]
        rows.append([server, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(loads: Sequence[Load]) -> str:
    if not loads:
        return ""
    rate, p95_ms, cpu_ms = (median(values) for values in zip(*loads, strict=True))
    return f"{rate:,.0f}/s, {p95_ms:,.0f} ms, {cpu_ms:.2f} ms"


def _targets(folder: Path, running: ExitStack) -> Iterator[Target]:
    certificates = Certificates(folder, ["127.0.0.1", "localhost"])

    def start(
        name: str, settings: Mapping[str, str], command: Sequence[str | Path]
    ) -> LatticeProcess:
        own = folder / name
        own.mkdir()
        return running.enter_context(
            LatticeProcess(
                own, certificates.good(), certificates.ca_file, UNLIMITED | dict(settings), command
            )
        )

    servers = ["uvicorn", *(["granian"] if find_spec("granian") else [])]
    for server in servers:
        served = certificates.good()
        other = (sys.executable, OTHER_SERVERS, server)
        ends = (served.chain_file, served.key_file)
        bare = start(f"bare by {server}", {}, (*other, "bare", *ends))
        yield Target(f"a bare FastAPI route, {server}", "a constant", bare.url + "/", bare.pid, {})
        if server != "uvicorn":
            lattice = start(f"Lattice by {server}", {}, (*other, "lattice", *ends))
            yield from _routes(f"SQLite, {server}", lattice)
    for kind, settings in _kinds(folder, running).items():
        yield from _routes(kind, start(kind, settings, SERVE))


def _kinds(folder: Path, running: ExitStack) -> dict[str, dict[str, str]]:
    redis = {"LATTICE_REDIS_URL": running.enter_context(Redis()).url}
    two = redis | {"LATTICE_WORKERS": "2"}
    postgres = {"LATTICE_DATABASE_URL": running.enter_context(_postgres(folder)).url}
    return {
        "SQLite": {},
        "SQLite and Redis, two workers": two,
        "PostgreSQL and Redis": postgres | redis,
        "PostgreSQL and Redis, two workers": postgres | two,
    }


def _routes(kind: str, lattice: LatticeProcess) -> Iterator[Target]:
    account = {"email": f"{uuid4()}@example.com", "password": "Long enough 1", "tenant_name": "a"}
    token = _post(lattice, "/api/auth/register", account)["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    _post(lattice, "/api/subscriptions", {"plan": "enterprise"}, headers)
    new = {"name": "cube", "dimensions": [5, 5, 5]}
    made = _post(lattice, "/api/lattices", new, headers)
    read, url, pid = f"/api/lattices/{made['id']}", lattice.url, lattice.pid
    yield Target(kind, "GET /version", url + "/version", pid, {})
    yield Target(kind, "GET /health", url + "/health", pid, {})
    yield Target(kind, "read a lattice", url + read, pid, headers)
    as_json = headers | {"Content-Type": "application/json"}
    yield Target(kind, "make a lattice", url + "/api/lattices", pid, as_json, json.dumps(new))


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
        sys.exit(f"lattice_load: {target.server}, {target.request}: {done.stdout}")
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
    sys.exit(main())
