"""What audits are tried on: the shipped suites, and small ones that a test writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from smokegate.audit.front import Subject

from smokegate import engine, settings
from tests.gate.suite_folder import SuiteFolder
from tests.system.command import SUITES
from tests.system.lattice_process import LatticeProcess

TEXT_IS_THERE = """
    class TestProductionHealth(HealthSuite):
        async def test_text(self, client: Client) -> None:
            \"\"\"The text is there.\"\"\"
            expect(await client.get("/text")).status(200)
"""


def shipped(lattice: LatticeProcess, folder: Path, **changes: Any) -> Subject:
    """Lattice with the shipped suites; the journal is in the folder."""
    return subject(SUITES, folder, url=lattice.url, ca_file=str(lattice.ca_file), **changes)


def small(suites: SuiteFolder, url: str, code: str = TEXT_IS_THERE, **changes: Any) -> Subject:
    """The tiny upstream with a suite of its own, without a sample."""
    # A name of its own: the shipped suites may be loaded in this process.
    suites.write("test_small.py", code)
    # Its server takes five new connections at a time.
    quick = {"settle_connections": 3, "sample_requests": 0, "require": ["health"]}
    quick |= {"health_path": "/json"}
    return subject(suites.path, suites.path, url=url, **quick | changes)


def subject(suites: Path, folder: Path, **options: Any) -> Subject:
    """A target with these settings; `tell` is a list of what was told."""
    journal = str(folder / "journal")
    return Subject(
        settings=settings.load({"journal": journal, **options}, {}, folder),
        load_plan=lambda configured: engine.load([suites], configured),
        suites=[suites],
        give_up=_fail,
        tell=Told(),
    )


class Told(list[str]):
    """What an audit told, line by line."""

    def __call__(self, line: str) -> None:
        self.append(line)


def _fail(reason: str) -> NoReturn:
    raise AssertionError(reason)
