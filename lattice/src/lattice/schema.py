"""The schema of the database: which one it has, and how it gets the one of this version."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, inspect, text

from lattice.errors import DatabaseUnusableError

HEAD = "0004"
_VERSIONS = "alembic_version"
_FOLDER = Path(__file__).parent / "migrations"


def find_revision(connection: Connection) -> str:
    """Return the revision that the database has, "" if it has none."""
    if not inspect(connection).has_table(_VERSIONS):
        return ""
    return str(connection.scalar(text(f"SELECT version_num FROM {_VERSIONS}")) or "")  # noqa: S608


def out_of_date(found: str, awaited: str) -> DatabaseUnusableError:
    """Return the error of a schema that is not the awaited one."""
    has = f"schema {found}" if found else "no schema"
    words = (
        f"The database has {has}, this version needs {awaited}: run `python -m lattice migrate`."
    )
    return DatabaseUnusableError("out of date", words)


def prepare(connection: Connection, metadata: MetaData) -> None:
    """Make the tables where there are none, or migrate those that there are."""
    found = find_revision(connection)
    if found == "":
        # At once: to import what migrates would be felt at every first start.
        metadata.create_all(connection)
        connection.execute(text(f"CREATE TABLE {_VERSIONS} (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text(f"INSERT INTO {_VERSIONS} VALUES (:head)"), {"head": HEAD})  # noqa: S608
    elif found != HEAD:
        upgrade(connection)


def upgrade(connection: Connection) -> str:
    """Migrate to this version's schema; return the revision before. A newer one is left alone."""
    from alembic import command
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        # One at a time: two that migrate at once would both make what is missing.
        connection.execute(text("SELECT pg_advisory_xact_lock(7306271002)"))
    found = find_revision(connection)
    config = _config(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found and found not in known:
        raise DatabaseUnusableError(
            "newer", f"The database has schema {found}, which a newer version has made."
        )
    command.upgrade(config, "head")
    return found


def _config(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
