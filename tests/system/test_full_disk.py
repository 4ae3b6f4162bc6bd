"""A disk of the target that is really full: a person must look, and nothing is rolled back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from smokegate.fault_proxy.certificates import Certificates

from tests.system.command import Commands
from tests.system.disks import may_mount, on_a_disk
from tests.system.lattice_process import SERVE, UNHURRIED, LatticeProcess

DISK_KIB = 1_024
INVESTIGATE = 10


pytestmark = pytest.mark.skipif(not may_mount(), reason="no right to make namespaces")


@pytest.fixture
def lattice(certificates: Certificates, tmp_path: Path) -> Iterator[LatticeProcess]:
    """Lattice with its database on a small disk, which nobody else sees at its place."""
    disk = tmp_path / "disk"
    disk.mkdir()
    process = LatticeProcess(
        tmp_path,
        certificates.good(),
        certificates.ca_file,
        {**UNHURRIED, "LATTICE_DATABASE_URL": f"sqlite+aiosqlite:///{disk / 'lattice.db'}"},
        command=(*on_a_disk(disk, DISK_KIB), *SERVE),
    )
    with process:
        yield process


def fill(lattice: LatticeProcess, disk: Path) -> None:
    """Take all room that is left on the disk, by way of the process that sees it."""
    seen = Path(f"/proc/{lattice.pid}/root{disk}")
    room = os.statvfs(seen)
    (seen / "ballast").write_bytes(bytes(room.f_bavail * room.f_frsize))
    assert os.statvfs(seen).f_bavail == 0


def test_a_full_disk_is_named_and_means_investigate(
    lattice: LatticeProcess, tmp_path: Path
) -> None:
    commands = Commands(
        tmp_path, {"PRODUCTION_URL": lattice.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
    )
    fill(lattice, tmp_path / "disk")
    done = commands.smokegate("run")
    assert done.code == INVESTIGATE, done.text
    run = commands.last_run
    assert "storage is full" in run.verdict.reason
    stopped = {check.id for check in run.checks if not check.outcome.passes}
    assert "workflows.test_user_registration_flow" in stopped
