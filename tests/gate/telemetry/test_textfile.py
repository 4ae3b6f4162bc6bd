"""The file of node_exporter's textfile collector."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smokegate.telemetry.textfile import file_name, write

from tests.gate.history.runs import failing, run
from tests.gate.telemetry.test_gauges import of, read

SUCCESS = "smoke_run_last_success_timestamp_seconds"


def test_a_run_replaces_the_one_before_but_for_the_last_success(tmp_path: Path) -> None:
    path = tmp_path / "smokegate_production.prom"
    for number in range(3):
        there = run(number) if number == 0 else failing(number, minutes=number)
        assert write(there, tmp_path) == ""
        found = read(path.read_bytes())
        assert of(found, "smoke_run_verdict", verdict="rollback") == float(number > 0)
        assert of(found, SUCCESS) == 1_767_225_602
    write(run(3, minutes=3), tmp_path)
    assert of(read(path.read_bytes()), SUCCESS) == 1_767_225_782
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "there",
    [
        b"\xff",
        b"smoke_run_last_success_timestamp_seconds{",
        b'smoke_run_last_success_timestamp_seconds{environment="production"} soon\n',
        b'smoke_run_last_success_timestamp_seconds{environment="production"} nan\n',
        b'smoke_run_last_success_timestamp_seconds{environment="staging"} 7\n',
        b"\n" * 1_000_000,
    ],
    ids=lambda content: content[-20:].decode("latin-1"),
)
def test_what_is_no_success_is_not_taken_over(tmp_path: Path, there: bytes) -> None:
    path = tmp_path / "smokegate_production.prom"
    path.write_bytes(there)
    assert write(failing(), tmp_path) == ""
    assert SUCCESS not in {name for name, _ in read(path.read_bytes())}


def test_each_environment_has_a_file(tmp_path: Path) -> None:
    for environment in ("production", "staging", "eu/west", "eu_west", "../up", ""):
        write(run(1, environment=environment), tmp_path / "here")
    assert not (tmp_path / "here").exists(), "a folder that is not there is a wrong one"
    (tmp_path / "here").mkdir()
    for environment in ("production", "staging", "eu/west", "eu_west", "../up", ""):
        assert write(run(1, environment=environment), tmp_path / "here") == ""
    names = sorted(each.name for each in (tmp_path / "here").iterdir())
    assert len(names) == 6
    assert {"smokegate_production.prom", "smokegate_eu_west.prom", "smokegate_.prom"} <= {*names}


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_two_environments_share_a_file(one: str, other: str) -> None:
    names = file_name(one), file_name(other)
    assert (one == other) == (names[0] == names[1])
    assert all(len(each.encode()) < 200 and "/" not in each for each in names)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    said = write(run(), tmp_path / "nowhere")
    path = tmp_path / "nowhere" / "smokegate_production.prom"
    assert said == f"metrics were not written to {path}: No such file or directory"
