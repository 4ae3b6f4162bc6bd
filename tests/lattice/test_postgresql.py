"""What is PostgreSQL's own: it keeps tenants apart, and it may be away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from lattice.accounts.tables import registrations
from lattice.database import EVERY_TENANT, Database, metadata, now
from lattice.health.service import ANSWER_WITHIN_S
from lattice.lattices.tables import lattices
from lattice.schema import HEAD
from lattice.settings import Settings
from lattice.subscriptions.tables import subscriptions
from lattice.tenants.tables import tenants
from psycopg import sql
from sqlalchemy import Executable, Table, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.lattice.databases import PostgresDatabase
from tests.lattice.in_process import Account, Lattice, assert_problem
from tests.lattice.processes import run_lattice
from tests.lattice.servers import Postgres, assert_in_the_end
from tests.system.disks import may_mount, on_a_disk

LATTICE = {"name": "mine", "dimensions": [2, 2]}
WEBHOOK = {"url": "http://127.0.0.1:1/", "events": ["lattice.created"]}
DISK_KIB = 8_192
OWNED = sorted(name for name, table in metadata.tables.items() if "tenant_id" in table.c)


@pytest.fixture
def database_kind() -> str:
    return "postgresql"


def settle(lattice: Lattice, name: str) -> Account:
    """An account with a row in every table."""
    account = lattice.register(name)
    for path, body in (
        ("/api/webhooks", WEBHOOK),
        ("/api/lattices", LATTICE),
        ("/api/subscriptions", {"plan": "starter"}),
    ):
        key = {"Idempotency-Key": path}
        reply = lattice.ask("POST", path, token=account.access_token, json=body, headers=key)
        assert reply.status_code == 201
    lattice.ask("GET", "/api/usage", token=account.access_token)
    return account


def execute(lattice: Lattice, tenant_id: str, statement: Executable) -> list[Any]:
    """Execute a statement as a request of a tenant would, whatever it forgot."""

    async def execute() -> list[Any]:
        async with lattice.database.writing(tenant_id) as connection:
            result = await connection.execute(statement)
            return list(result) if result.returns_rows else [result.rowcount]

    return lattice.do(execute())


@pytest.mark.parametrize("name", OWNED)
def test_a_query_that_forgot_its_tenant_reads_and_changes_nothing_of_another(
    lattice: Lattice, name: str
) -> None:
    ada, bob = (settle(lattice, name).tenant["id"] for name in ("ada", "bob"))
    table = metadata.tables[name]
    owners = select(table.c.tenant_id)
    assert {row.tenant_id for row in execute(lattice, ada, owners)} == {ada}
    assert execute(lattice, "", owners) == []
    before = execute(lattice, bob, select(table))
    with pytest.raises(DBAPIError, match="row-level security"):
        execute(lattice, ada, update(table).values(tenant_id=bob))
    execute(lattice, ada, delete(table))
    assert execute(lattice, bob, select(table)) == before


def test_another_tenant_itself_is_not_there(lattice: Lattice) -> None:
    ada, bob = (lattice.register(name).tenant["id"] for name in ("ada", "bob"))
    assert execute(lattice, ada, select(tenants.c.id)) == [(ada,)]
    assert execute(lattice, ada, delete(tenants).where(tenants.c.id == bob)) == [0]
    with pytest.raises(DBAPIError, match="row-level security"):
        execute(lattice, ada, insert(tenants).from_select(["id"], select(text("'new'"))))


def test_a_tenant_gets_at_no_registration(lattice: Lattice) -> None:
    ada = lattice.register("ada").tenant["id"]
    texts = ("id", "email", "email_key", "password_hash", "tenant_name")
    values = dict.fromkeys(texts, "x") | {"expires_at": now(), "attempts": 0}
    with pytest.raises(DBAPIError, match="row-level security"):
        execute(lattice, ada, insert(registrations).values(values))
    lattice.execute(insert(registrations).values(values))
    for tenant_id in (ada, ""):
        assert execute(lattice, tenant_id, select(registrations)) == []
        assert execute(lattice, tenant_id, delete(registrations)) == [0]


@pytest.mark.parametrize("table", [lattices, subscriptions], ids=lambda table: table.name)
def test_what_no_work_for_all_tenants_needs_it_does_not_get(lattice: Lattice, table: Table) -> None:
    settle(lattice, "ada")
    assert execute(lattice, EVERY_TENANT, select(table)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE lattices DISABLE ROW LEVEL SECURITY",
        "DROP POLICY one_tenant ON lattices",
        "SET ROLE lattice_owner",
        "UPDATE alembic_version SET version_num = 'x'; CREATE TABLE t (n INT)",
    ],
)
def test_the_service_cannot_change_the_rules(lattice: Lattice, statement: str) -> None:
    with pytest.raises(DBAPIError):
        execute(lattice, EVERY_TENANT, text(statement))


def test_every_table_is_isolated(lattice: Lattice) -> None:
    query = text(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity"
        " AND relforcerowsecurity AND relnamespace = 'public'::regnamespace"
    )
    isolated = {row.relname for row in execute(lattice, EVERY_TENANT, query)}
    assert isolated == set(metadata.tables)


def test_a_role_that_bypasses_the_rules_is_refused(
    lattice_with: Callable[..., Lattice], postgres_database: PostgresDatabase
) -> None:
    url = postgres_database.url.replace("lattice_service@", "postgres@")
    lattice = lattice_with(database_url=url)
    ready = assert_problem(lattice.ask("GET", "/health/ready"), 503)
    assert "bypasses row-level security" in ready["detail"]
    assert_problem(lattice.ask("POST", "/api/auth/login", json=CREDENTIALS), 503)


CREDENTIALS = {"email": "ada@example.com", "password": "a password"}


def test_an_old_schema_is_waited_for_and_then_served(
    lattice_with: Callable[..., Lattice], postgres_server: str, tmp_path: Path
) -> None:
    database = PostgresDatabase(postgres_server, f"old_{tmp_path.name}")
    lattice = lattice_with(database_url=database.url)
    words = f"no schema, this version needs {HEAD}: run `python -m lattice migrate`"
    for path in ("/health/ready", "/health/database"):
        problem = assert_problem(lattice.ask("GET", path), 503)
        assert words in problem["detail"]
        assert problem["database"] == "out of date"
    assert lattice.ask("GET", "/health").json()["checks"]["database"] == "out of date"
    refused = lattice.ask("POST", "/api/auth/login", json=CREDENTIALS)
    assert words in assert_problem(refused, 503)["detail"]
    assert refused.headers["Retry-After"] == "1"
    settings = {"LATTICE_DATABASE_URL": database.owner_url}
    done = run_lattice("migrate", settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"has schema {HEAD}, it had none\n")
    assert "lattice_owner" not in done.stdout
    assert lattice.ask("GET", "/health/ready").status_code == 200
    assert lattice.register("ada").access_token
    database.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    """A server of this test's own, which it may stop."""
    folder = tmp_path / "server"
    folder.mkdir()
    with Postgres(folder) as server:
        yield server


def health(lattice: Lattice) -> tuple[int, str]:
    """What is said of the database, everywhere the same."""

    async def ask() -> list[Any]:
        paths = ("/health", "/health/database", "/health/ready")
        return await asyncio.gather(*(lattice.send("GET", path) for path in paths))

    replies = lattice.do(ask())
    assert len({reply.status_code for reply in replies}) == 1
    assert lattice.ask("GET", "/health/live").status_code == 200
    word: str = replies[1].json()["database"]
    assert replies[0].json()["checks"]["database"] == word
    return replies[0].status_code, word


def test_what_is_said_of_a_server_is_true_and_said_within_a_second(
    lattice_with: Callable[..., Lattice], server: Postgres
) -> None:
    assert ANSWER_WITHIN_S < 1
    database = PostgresDatabase(server.url, "health")
    database.migrate()
    lattice = lattice_with(database_url=database.url)
    well = (200, "connected")
    assert_in_the_end(lambda: health(lattice) == well)
    server.hang()
    assert [health(lattice) for _ in range(2)] == [(503, "disconnected")] * 2
    server.resume()
    assert_in_the_end(lambda: health(lattice) == well)
    database.set_read_only("on")
    assert_in_the_end(lambda: health(lattice) == (503, "read-only"))
    database.set_read_only("off")
    assert_in_the_end(lambda: health(lattice) == well)
    database.close()
    server.stop()
    assert health(lattice) == (503, "disconnected")
    server.start()
    assert_in_the_end(lambda: health(lattice) == well)


def test_a_server_that_is_away_is_told_and_comes_back_with_all_that_was_acknowledged(
    lattice_with: Callable[..., Lattice], server: Postgres
) -> None:
    database = PostgresDatabase(server.url, "away")
    database.migrate()
    database.close()
    lattice = lattice_with(database_url=database.url)
    token = lattice.register().access_token

    async def create(number: int) -> int:
        body = LATTICE | {"name": f"{number}"}
        return (await lattice.send("POST", "/api/lattices", token=token, json=body)).status_code

    async def create_while(change: Callable[[], None], *numbers: int) -> list[int]:
        loop = asyncio.get_running_loop()
        changing = loop.run_in_executor(None, change)
        statuses = await asyncio.gather(*map(create, numbers))
        await changing
        return statuses

    made = {number for number in range(3) if lattice.do(create(number)) == 201}
    assert len(made) == 3
    statuses = lattice.do(create_while(server.kill, *range(10, 30)))
    assert set(statuses) <= {201, 503}
    made |= {number for number, status in enumerate(statuses, 10) if status == 201}
    away = lattice.ask("POST", "/api/lattices", token=token, json=LATTICE)
    assert_problem(away, 503)
    assert away.headers["Retry-After"] == "1"
    server.start()
    assert lattice.do(create(30)) == 201
    listed = lattice.ask("GET", "/api/lattices?limit=100", token=token).json()["items"]
    assert made | {30} <= {int(item["name"]) for item in listed}


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """Where a server finds a disk of its own, which nobody else sees there."""
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o755)
    return disk


@pytest.fixture
def server_on_it(tmp_path: Path, small_disk: Path) -> Iterator[Postgres]:
    """A server whose tables lie on the small disk."""
    folder = tmp_path / "server"
    folder.mkdir()
    with Postgres(folder, on_a_disk(small_disk, DISK_KIB, keep_user=True)) as server:
        with psycopg.connect(f"{server.url}/postgres", autocommit=True) as admin:
            place = sql.Literal(str(small_disk))
            admin.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(place))
            admin.execute("ALTER SYSTEM SET default_tablespace = small")
            admin.execute("GRANT CREATE ON TABLESPACE small TO PUBLIC")
            admin.execute("SELECT pg_reload_conf()")
        yield server


def insert_for_ever(admin: psycopg.Connection[Any], rows: int) -> None:
    while True:
        admin.execute(sql.SQL("INSERT INTO ballast SELECT * FROM ballast LIMIT {}").format(rows))


@pytest.mark.skipif(not may_mount(), reason="no right to make namespaces")
def test_a_full_disk_is_said_and_loses_nothing_that_was_acknowledged(
    lattice_with: Callable[..., Lattice], server_on_it: Postgres
) -> None:
    database = PostgresDatabase(server_on_it.url, "full")
    database.migrate()
    database.close()
    lattice = lattice_with(database_url=database.url)
    token = lattice.register().access_token

    def create(name: str) -> httpx2.Response:
        body = LATTICE | {"name": name, "description": "x" * 500}
        return lattice.ask("POST", "/api/lattices", token=token, json=body)

    assert create("before").status_code == 201
    with psycopg.connect(f"{server_on_it.url}/postgres", autocommit=True) as admin:
        admin.execute("CREATE TABLE ballast (filling) AS SELECT repeat('x', 1000)")
        for rows in 100, 1:
            with pytest.raises(psycopg.errors.DiskFull):
                insert_for_ever(admin, rows)
        # Until the pages that there are have no room either.
        replies = {f"{number}": create(f"{number}") for number in range(40)}
        assert "storage of this service is full" in assert_problem(replies["39"], 507)["detail"]
        assert {reply.status_code for reply in replies.values()} <= {201, 507}
        admin.execute("DROP TABLE ballast")
    assert create("after").status_code == 201
    listed = lattice.ask("GET", "/api/lattices?limit=100", token=token).json()["items"]
    made = {name for name, reply in replies.items() if reply.status_code == 201}
    assert {item["name"] for item in listed} == made | {"before", "after"}


def test_a_server_that_hangs_costs_a_request_its_time_and_no_more(
    lattice_with: Callable[..., Lattice], server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lattice.postgresql.ANSWERED_WITHIN_S", 0.3)
    database = PostgresDatabase(server.url, "hangs")
    database.migrate()
    database.close()
    lattice = lattice_with(database_url=database.url)
    token = lattice.register().access_token
    server.hang()
    assert_problem(lattice.ask("GET", "/api/lattices", token=token), 503)
    server.resume()
    monkeypatch.undo()
    assert lattice.ask("GET", "/api/lattices", token=token).status_code == 200


def test_a_url_keeps_its_password_to_itself(settings_with: Callable[..., Settings]) -> None:
    url = "postgresql://ada:hunter2@127.0.0.1:1/lattice"
    assert "hunter2" not in repr(settings_with(database_url=url))
    assert Database(url).name == "postgresql://127.0.0.1:1/lattice"
    done = run_lattice("migrate", settings={"LATTICE_DATABASE_URL": url})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lattice: LATTICE_DATABASE_URL: postgresql://127.0.0.1:1/")
    assert done.stderr.count("\n") == 1
    assert "Connect call failed" in done.stderr
    assert "hunter2" not in json.dumps(done.stderr)
