"""Several processes behind one port."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.lattice.in_process import PASSWORD
from tests.lattice.load import Load
from tests.lattice.processes import Served, processes_of, run_lattice
from tests.lattice.servers import Redis, assert_in_the_end

Serving = Callable[..., Served]
FREE = {f"LATTICE_RATE_LIMIT_{whose}": "1000000" for whose in ("ANONYMOUS", "SESSION", "TENANT")}


# On a busy machine it may take one that lives for one that hangs too, which does no harm here.
IMPATIENT = """
import sys
from lattice import workers
from lattice.__main__ import main
workers.HANGS_AFTER_S = 3.0
sys.exit(main())
"""


@pytest.fixture
def several(serving: Serving, redis: Redis, tmp_path: Path) -> Served:
    (tmp_path / "tmp").mkdir()
    return serving(
        "--dev",
        LATTICE_WORKERS="2",
        LATTICE_SECRET="",
        LATTICE_REDIS_URL=redis.url,
        LATTICE_PASSWORD_TIME_COST="1",
        LATTICE_PASSWORD_MEMORY_KIB="64",
        TMPDIR=str(tmp_path / "tmp"),
        **FREE,
    )


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@contextmanager
def stopped(pid: int, database: Path) -> Iterator[None]:
    """Stop a process, though not in the middle of a write: nobody else could write then."""
    os.kill(pid, signal.SIGSTOP)
    try:
        while is_being_written(database):
            os.kill(pid, signal.SIGCONT)
            assert_in_the_end(lambda: not is_being_written(database))
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def is_being_written(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def counted(served: Served) -> float:
    """How many times /version was answered, as whichever process is asked says."""
    exposition = httpx2.get(f"{served.url}/metrics").text
    found = re.findall(r'^http_requests_total\{.*route="/version".*\} (\S+)$', exposition, re.M)
    return sum(map(float, found))


def test_without_redis_several_are_refused(serving: Serving, tmp_path: Path) -> None:
    ended = run_lattice("serve", "--dev", "--port", "0", settings={"LATTICE_WORKERS": "2"})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        "lattice: LATTICE_WORKERS: several processes count rate limits together in Redis: "
        "set LATTICE_REDIS_URL\n"
    )


def test_what_cannot_be_used_is_said_once(redis: Redis) -> None:
    settings = {
        "LATTICE_WORKERS": "3",
        "LATTICE_REDIS_URL": redis.url,
        "LATTICE_DATABASE_URL": "sqlite:////no/such/folder/x.db",
    }
    ended = run_lattice("serve", "--dev", "--port", "0", settings=settings)
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


def test_whichever_is_asked_knows_the_caller_and_has_counted_everything(
    several: Served, tmp_path: Path
) -> None:
    account = {"email": "a@example.com", "password": PASSWORD, "tenant_name": "a"}
    reply = httpx2.post(f"{several.url}/api/auth/register", json=account)
    token = {"Authorization": f"Bearer {reply.json()['access_token']}"}
    first, second = processes_of(several.process.pid)
    for times in (2, 4, 6):
        # Each alone: the system gives a connection to whoever comes first.
        for pid in (first, second):
            with stopped(pid, tmp_path / "lattice.db"):
                assert httpx2.get(f"{several.url}/api/auth/me", headers=token).status_code == 200
                httpx2.get(f"{several.url}/version")
        assert counted(several) == times
    os.kill(second, signal.SIGKILL)
    assert_in_the_end(lambda: len(processes_of(several.process.pid) - {second}) == 2)
    assert counted(several) == 6
    assert '"a process has died"' in several.end()[2]


@pytest.mark.long
def test_renewing_all_of_them_under_load_loses_no_request(several: Served, tmp_path: Path) -> None:
    before = processes_of(several.process.pid)
    with Load([several.url]) as load:
        several.process.send_signal(signal.SIGHUP)
        assert_in_the_end(lambda: not before & processes_of(several.process.pid))
        load.await_more(20)
    assert load.lost == []
    assert len(processes_of(several.process.pid)) == 2
    code, _, log = several.end()
    assert code == 0
    assert '"processes renewed"' in log
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.long
def test_one_that_hangs_is_replaced(serving: Serving, redis: Redis) -> None:
    settings = {"LATTICE_WORKERS": "2", "LATTICE_REDIS_URL": redis.url}
    served = serving("--dev", program=("-c", IMPATIENT), **settings)
    hanging = min(processes_of(served.process.pid))
    os.kill(hanging, signal.SIGSTOP)
    assert_in_the_end(lambda: len(processes_of(served.process.pid) - {hanging}) == 2)
    code, _, log = served.end()
    assert (code, '"a process hangs"' in log) == (0, True)


@pytest.mark.long
def test_they_end_though_one_is_just_being_replaced(several: Served) -> None:
    before = processes_of(several.process.pid)
    os.kill(min(before), signal.SIGKILL)
    # At the very moment: its parent has begun to start it, and does not know it yet.
    while not processes_of(several.process.pid) - before:
        pass
    assert several.end()[0] == 0


def test_all_of_them_end_with_the_one_that_was_started(several: Served) -> None:
    processes = processes_of(several.process.pid)
    assert len(processes) == 2
    several.process.kill()
    several.process.wait()
    assert_in_the_end(lambda: not any(map(is_alive, processes)))
