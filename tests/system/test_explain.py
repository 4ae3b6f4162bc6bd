"""`smokegate explain` about a real run: intact, altered, signed, and no run at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.command import BIN, Commands
from tests.system.lattice_process import LatticeProcess

KEY = "Correct-Horse+Battery/Staple=1"


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory, lattice: LatticeProcess) -> Commands:
    """Commands with a key, after one run."""
    target = {"PRODUCTION_URL": lattice.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
    commands = Commands(tmp_path_factory.mktemp("signed"), target | {"SMOKEGATE_SIGNING_KEY": KEY})
    done = commands.smokegate("run")
    assert done.code == 0, done.text
    return commands


@pytest.fixture
def file(commands: Commands) -> Path:
    return next(commands.results.glob("run_*.json"))


def test_a_run_explains_to_its_own_verdict(commands: Commands, file: Path) -> None:
    done = commands.smokegate("explain", file)
    assert done.code == 0, done.text
    assert "✓ The verdict follows from the evidence, and nothing was altered." in done.out
    seal = commands.last_run.seal
    assert seal is not None
    assert f"seal {seal.short}, signed with this key" in done.out


def test_standard_input_is_read(commands: Commands, file: Path) -> None:
    done = commands("sh", "-c", '"$0" explain - < "$1"', BIN / "smokegate", file)
    assert done.code == 0, done.text


def test_a_run_that_was_altered_is_told(commands: Commands, file: Path, tmp_path: Path) -> None:
    altered = tmp_path / "altered.json"
    altered.write_text(file.read_text().replace('"passed"', '"warned"', 1))
    done = commands.smokegate("explain", altered)
    assert done.code == 1
    assert "✗ The evidence was altered: " in done.out


def test_the_key_is_in_no_artefact(commands: Commands, file: Path) -> None:
    said = commands.smokegate("explain", file).text
    texts = [said, *(path.read_text() for path in commands.results.iterdir())]
    assert not any(KEY in text for text in texts)


def test_the_seal_stands_where_people_compare_it(commands: Commands) -> None:
    seal = commands.last_run.seal
    assert seal is not None
    summary = next(commands.results.glob("summary_*.txt"))
    assert f"seal {seal.short}" in summary.read_text()


def test_a_file_that_is_no_run_is_one_line(commands: Commands, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    done = commands.smokegate("explain", other)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1), done.text
