from __future__ import annotations

import errno
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from smokegate.errors import ReportError, SmokegateError
from smokegate.reports.files import write_all, write_json
from smokegate.reports.page import page
from smokegate.results import MissingSuite, from_json, to_json

from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import poisoned

STAMP = "20250131_235958"
NAMES = [
    f"health_{STAMP}.xml",
    f"report_{STAMP}.html",
    f"run_{STAMP}.json",
    f"summary_{STAMP}.txt",
    f"workflows_{STAMP}.xml",
]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_run_leaves_five_files_named_by_the_second_it_began(tmp_path: Path) -> None:
    written = write_all(runs.rollback(), tmp_path / "made" / "on the way")
    assert sorted(path.name for path in written) == NAMES == names(written[0].parent)


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    run = runs.rollback()
    write_all(run, tmp_path)
    assert from_json((tmp_path / f"run_{STAMP}.json").read_bytes()) == run
    assert ET.parse(tmp_path / f"health_{STAMP}.xml").getroot().get("tests") == "11"
    assert (tmp_path / f"summary_{STAMP}.txt").read_text("utf-8").startswith("ROLLBACK: ")
    assert (tmp_path / f"report_{STAMP}.html").read_text("utf-8") == page(run)


def test_only_suites_with_a_check_or_missing_have_a_document(tmp_path: Path) -> None:
    write_all(parts.judged(only=parts.HEALTH), tmp_path)
    assert f"workflows_{STAMP}.xml" not in names(tmp_path)
    write_all(runs.inconclusive(), tmp_path / "other")
    assert f"workflows_{STAMP}.xml" in names(tmp_path / "other")


def test_a_second_run_in_the_same_second_overwrites_nothing(tmp_path: Path) -> None:
    write_all(runs.rollback(), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    second = write_all(runs.proceed(), tmp_path)
    third = write_all(runs.proceed(), tmp_path)
    assert {path.stem.rpartition("_")[2] for path in second} == {"2"}
    assert {path.stem.rpartition("_")[2] for path in third} == {"3"}
    assert {path: path.read_bytes() for path in before} == before


def test_one_file_in_the_way_gives_all_files_another_number(tmp_path: Path) -> None:
    (tmp_path / f"summary_{STAMP}.txt").write_text("somebody's")
    written = write_all(runs.rollback(), tmp_path)
    assert {path.stem.rpartition("_")[2] for path in written} == {"2"}
    assert (tmp_path / f"summary_{STAMP}.txt").read_text() == "somebody's"


def test_processes_that_race_for_a_second_each_get_their_own(tmp_path: Path) -> None:
    run, many = runs.rollback(), 8
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as pool:
        all_written = list(pool.map(write_all, [run] * many, [tmp_path] * many))
    assert len({path for written in all_written for path in written}) == len(NAMES) * many
    assert len(names(tmp_path)) == len(NAMES) * many
    for path in tmp_path.glob("run_*.json"):
        assert from_json(path.read_bytes()) == run


def test_a_claimed_second_is_left_to_whoever_claimed_it(tmp_path: Path) -> None:
    (tmp_path / f".{STAMP}.claim").touch()
    written = write_all(runs.rollback(), tmp_path)
    assert {path.stem.rpartition("_")[2] for path in written} == {"2"}


def test_a_file_that_cannot_be_finished_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReportError, match="No space left on device") as caught:
        write_all(runs.rollback(), tmp_path)
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, SmokegateError)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert names(tmp_path) == []


def test_a_report_with_a_bug_takes_no_evidence_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("smokegate.reports.page.page", broken)
    with pytest.raises(ZeroDivisionError):
        write_all(runs.rollback(), tmp_path)
    assert names(tmp_path) == [each for each in NAMES if not each.startswith("report")]


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReportError) as caught:
        write_all(runs.rollback(), tmp_path / "file" / "results")
    assert str(caught.value).startswith(f"results were not written: {tmp_path / 'file'}")
    assert "Errno" not in str(caught.value)


def test_the_run_goes_to_a_file_of_ones_choice(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run.json"
    for run in (runs.rollback(), runs.proceed()):
        write_json(to_json(run), path)
        assert from_json(path.read_bytes()) == run
    assert names(path.parent) == ["run.json"]


def test_a_json_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"^\S+ was not written: Is a directory$"):
        write_json(to_json(runs.proceed()), tmp_path)


def test_a_hostile_run_is_written_whole(tmp_path: Path) -> None:
    written = write_all(poisoned(runs.rollback(), "\ud800\x00]]>"), tmp_path)
    assert len(written) == len(NAMES)
    document = next(path for path in written if path.suffix == ".json")
    assert from_json(document.read_bytes()).version == "\\ud800\x00]]>"


def test_a_suite_with_a_strange_name_stays_in_the_folder(tmp_path: Path) -> None:
    missing = [MissingSuite(suite="../up", reason="not found")]
    write_all(parts.judged(missing_suites=missing), tmp_path / "results")
    assert f".._up_{STAMP}.xml" in names(tmp_path / "results")
    assert names(tmp_path) == ["results"]
