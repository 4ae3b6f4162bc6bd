"""Lattice's database as it lies on the disk: who has accounts, and every row of every table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.system.accounts import ask, register
from tests.system.lattice_process import LatticeProcess

# Two of them look like accounts of a run, and are not.
OTHERS = ("anna@example.com", "smoketest-not-of-a-run@example.com", "smoketest+x@example.com")
_LATTICE = {"name": "kept", "dimensions": [4, 4, 4], "obstacles": [[1, 1, 1], [2, 2, 2]]}


class Database:
    """The database of the Lattice in a folder, only read."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "lattice.db"

    def emails(self) -> set[str]:
        """The addresses of all accounts."""
        with self._open() as connection:
            return {email for (email,) in connection.execute("SELECT email FROM users")}

    def dump(self) -> list[str]:
        """Every row of every table, as SQL."""
        with self._open() as connection:
            return list(connection.iterdump())

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as connection:
            yield connection


def put_others(lattice: LatticeProcess) -> None:
    """Make the accounts of others, each with lattices of its own, and all of it on the disk."""
    for email in OTHERS:
        token = register(email, lattice)
        for number in range(3):
            document = {**_LATTICE, "name": f"{email}'s, {number}"}
            status, reply = ask(lattice, "/api/lattices", document, token)
            assert status == 201, reply
    lattice.restart()  # it keeps the count of these requests to itself for a while
