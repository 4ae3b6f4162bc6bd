"""Reading control runs: what they give to the next run, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from smokegate.control_run import Earlier, earlier
from smokegate.errors import UsageError
from smokegate.results import JudgedRun, Outcome, Run, to_json
from smokegate.run_file import read_run
from smokegate.seal import sealed
from smokegate.settings import Settings
from smokegate.verdict import judge

from tests.gate.samples import baseline, result, run_of

MOMENT = "2026-01-01T01:00:00+00:00"
NAME = "GET /health"
TARGET = "https://api.example.com"


def judged(run: Run) -> JudgedRun:
    fields = {name: getattr(run, name) for name in Run.__struct_fields__}
    return sealed(JudgedRun(**fields, verdict=judge(run)), "")


def control(outcome: Outcome = Outcome.PASSED, **changes: object) -> JudgedRun:
    measured = result("speed", samples={NAME: [0.1]}, suite="health")
    run = run_of(measured, result("w"), result("h", outcome, suite="health"))
    return judged(msgspec.structs.replace(run, **changes))


def given(
    folder: Path, before: JudgedRun | None, replaced: JudgedRun | None = None, url: str = TARGET
) -> Earlier:
    settings = Settings(url=url, url_given=True)
    return earlier(
        written(folder / "before.json", before),
        written(folder / "replaced.json", replaced),
        settings,
        MOMENT,
    )


def written(path: Path, run: JudgedRun | None) -> str:
    if run is None:
        return ""
    path.write_bytes(to_json(run))
    return str(path)


def test_nothing_given_is_nothing_compared(tmp_path: Path) -> None:
    assert given(tmp_path, None) == Earlier()
    assert earlier("", str(tmp_path / "new.json"), Settings(), MOMENT) == Earlier()


def test_a_baseline_gives_what_failed_and_its_samples(tmp_path: Path) -> None:
    found = given(tmp_path, control())
    assert found.baseline is not None
    assert found.baseline.unusable == ""
    assert found.compared_samples == {NAME: [[0.1]]}


def test_a_baseline_that_is_of_no_use_is_not_compared_with(tmp_path: Path) -> None:
    old = given(tmp_path, control(started_at="2025-01-01T00:00:00.000Z"))
    assert old.baseline is not None
    assert "old" in old.baseline.unusable
    assert old.compared_samples == {}
    assert old.samples == {NAME: [[0.1]]}
    assert given(tmp_path, control(), url="https://other.example.com").samples == {}


def test_samples_of_the_last_five_good_runs_are_carried_along(tmp_path: Path) -> None:
    four = {NAME: [[float(number)] for number in range(4)], "GET /old": [[9.0]]}
    found = given(tmp_path, control(earlier_samples=four))
    assert found.samples == {**four, NAME: [*four[NAME], [0.1]]}
    five = {NAME: [[float(number)] for number in range(5)]}
    found = given(tmp_path, control(earlier_samples=five))
    assert found.samples == {NAME: [*five[NAME][1:], [0.1]]}


def test_samples_of_a_run_that_was_not_good_or_not_whole_are_left_out(tmp_path: Path) -> None:
    assert given(tmp_path, control(Outcome.FAILED)).samples == {}
    assert given(tmp_path, control(partial=True)).samples == {}
    kept = {NAME: [[0.3]]}
    assert given(tmp_path, control(Outcome.FAILED, earlier_samples=kept)).samples == kept


def test_the_file_that_is_replaced_gives_its_samples_and_nothing_to_compare(
    tmp_path: Path,
) -> None:
    found = given(tmp_path, None, control())
    assert (found.baseline, found.compared_samples) == (None, {})
    assert found.samples == {NAME: [[0.1]]}
    both = given(tmp_path, control(earlier_samples={NAME: [[0.2]]}), control())
    assert both.samples == {NAME: [[0.2], [0.1]]}


def test_a_run_with_a_baseline_can_be_one(tmp_path: Path) -> None:
    assert given(tmp_path, control(baseline=baseline())).baseline is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not the JSON of a run"),
        (b"# notes", "is not the JSON of a run"),
        (b"[]", "is not the JSON of a run"),
        (b'{"schema": "1"}', "is not the JSON of a run"),
        (b'{"schema": 1}', "is not the JSON of a run: Object missing required field"),
        (b'{"schema": 99}', "is of schema 99; this smokegate reads 1"),
        (b"\xff\xfe", "is not the JSON of a run"),
        (b"[" * 100_000, "is not the JSON of a run"),
    ],
    ids=range(8),
)
def test_what_is_no_run_is_refused_in_one_line_and_not_replaced(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    for before, replaced in ((str(path), ""), ("", str(path))):
        with pytest.raises(UsageError) as caught:
            earlier(before, replaced, Settings(), MOMENT)
        assert words in str(caught.value)
        assert str(path) in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
    assert path.read_bytes() == content


def test_what_cannot_be_read_or_replaced_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--baseline: .*nowhere cannot be read: No such file"):
        read_run(tmp_path / "nowhere", "--baseline")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_run(tmp_path, "--baseline")
    with pytest.raises(UsageError, match=r"--save-baseline: .* is no file"):
        earlier("", str(tmp_path), Settings(), MOMENT)


def test_evidence_that_was_altered_excuses_nothing(tmp_path: Path) -> None:
    before = msgspec.structs.replace(control(), notes=["nothing to see here"])
    found = given(tmp_path, before)
    assert found.baseline is not None
    assert found.baseline.unusable == "it was altered: run is not as it was sealed"
    assert found.samples == {}


def test_where_runs_are_signed_only_those_count(tmp_path: Path) -> None:
    path = written(tmp_path / "before.json", control())
    signing = Settings(url=TARGET, signing_key="a key of sixteen or more")
    found = earlier(path, "", signing, MOMENT)
    assert found.baseline is not None
    assert found.baseline.unusable == "it was not signed with this signing_key"
