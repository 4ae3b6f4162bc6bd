"""A database for each kind, empty for every test."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import psycopg
from lattice.database import Database
from psycopg import sql

from tests.gate.history.postgres import new_database

KINDS = ("sqlite", "postgresql")
# Who migrates is not who serves: the service must not be able to change the rules.
OWNER, SERVICE = "lattice_owner", "lattice_service"
LOCK = 7_306_271_003


class PostgresDatabase:
    """A migrated database of one worker process; `url` is what the service gets."""

    def __init__(self, server: str, name: str) -> None:
        self.server = server
        _make_roles(server)
        admin = new_database(server, name)
        self._admin = psycopg.connect(admin, autocommit=True)
        for statement in (
            f"GRANT ALL ON SCHEMA public TO {OWNER}",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER}"
            f" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {SERVICE}",
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT USAGE ON SEQUENCES TO {SERVICE}",
        ):
            self._admin.execute(sql.SQL(statement))
        self.owner_url = admin.replace("postgres@", f"{OWNER}@", 1)
        self.url = admin.replace("postgres@", f"{SERVICE}@", 1)

    def migrate(self) -> None:
        async def migrate() -> None:
            database = Database(self.owner_url)
            await database.migrate()
            await database.close()

        asyncio.run(migrate())

    def empty(self) -> None:
        self._admin.execute("DELETE FROM tenants")
        self._admin.execute("DELETE FROM registrations")

    def set_read_only(self, state: str) -> None:
        """Let the server take no writes, as a standby does."""
        self._admin.execute(
            sql.SQL("ALTER SYSTEM SET default_transaction_read_only = {}").format(state)
        )
        self._admin.execute("SELECT pg_reload_conf()")

    def drop(self, *tables: str) -> None:
        for table in tables:
            query = sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(table))
            self._admin.execute(query)

    def close(self) -> None:
        self._admin.close()


def _make_roles(server: str) -> None:
    with psycopg.connect(f"{server}/postgres") as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        for role in (OWNER, SERVICE):
            found = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
            if found.rowcount == 0:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder}/lattice.db"


def worker_name() -> str:
    return f"lattice_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
