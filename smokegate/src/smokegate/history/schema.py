"""The schema of the history: made at once where there is none, migrated where it is older.

A newer one is left alone: whoever made it knows more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from smokegate.errors import HistoryError
from smokegate.history.database import FOR_READING
from smokegate.history.tables import metadata

HEAD = "0003"
_VERSIONS = "alembic_version"
_FOLDER = Path(__file__).parent / "migrations"


def prepare(engine: Engine) -> None:
    """Bring a database to the schema of this version.

    Raises `HistoryError` for a database that a newer smokegate has made, or somebody else.
    """
    with engine.connect() as connection:
        found = _version(connection.execution_options(**FOR_READING))
    if found == HEAD:
        return
    with engine.begin() as connection:
        _lock(connection)
        found = _version(connection)  # another runner may have been quicker
        if found == "":
            _refuse_foreign(connection)
            metadata.create_all(connection)
            connection.execute(
                text(f"CREATE TABLE {_VERSIONS} (version_num VARCHAR(32) PRIMARY KEY)")
            )
            connection.execute(text(f"INSERT INTO {_VERSIONS} VALUES (:head)"), {"head": HEAD})  # noqa: S608
        elif found != HEAD:
            _migrate(connection, found)


def refuse_changed(connection: Connection) -> None:
    """Raise `HistoryError` where the schema is no longer the one that `prepare` left behind."""
    found = _version(connection)
    if not found:
        raise HistoryError("the history is gone; bring its database back, or start again")
    if found != HEAD:
        raise HistoryError(_newer(found))


def _newer(found: str) -> str:
    return (
        f"the history has schema {found!r}, which a newer smokegate made; use that one, or "
        "give history another database"
    )


def _version(connection: Connection) -> str:
    if not inspect(connection).has_table(_VERSIONS):
        return ""
    return str(connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar() or "")  # noqa: S608


def _lock(connection: Connection) -> None:
    """Let one runner at a time change the schema; SQLite's writers have a lock anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7306271001)"))


def _refuse_foreign(connection: Connection) -> None:
    foreign = set(inspect(connection).get_table_names()) & set(metadata.tables)
    if foreign:
        raise HistoryError(
            f"the database has a table {min(foreign)!r} that is not smokegate's; give history a "
            "database of its own"
        )


def _migrate(connection: Connection, found: str) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory
    from alembic.util.exc import CommandError

    config = _config(connection)
    try:
        ScriptDirectory.from_config(config).get_revision(found)
    except CommandError:
        raise HistoryError(_newer(found)) from None
    command.upgrade(config, "head")


def _config(connection: Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
