"""Where what a run tells goes."""

from __future__ import annotations

from pathlib import Path

from smokegate.settings import Settings
from smokegate.telemetry.exporting import export

from tests.gate.history.runs import run
from tests.gate.telemetry.receiver import receiver


def test_it_goes_to_each_place_that_is_set(tmp_path: Path) -> None:
    assert list(export(run(), Settings())) == []
    with receiver() as gateway:
        both = Settings(metrics_folder=str(tmp_path), metrics_push=gateway.url)
        assert not any(export(run(), both))
        assert len(gateway.received) == len(list(tmp_path.iterdir())) == 1


def test_one_place_that_is_away_is_no_harm_to_the_other(tmp_path: Path) -> None:
    with receiver() as gateway:
        both = Settings(metrics_folder=str(tmp_path / "no"), metrics_push=gateway.url)
        assert list(export(run(), both)) == [
            f"metrics were not written to {tmp_path}/no/smokegate_production.prom: "
            "No such file or directory",
            "",
        ]
        assert len(gateway.received) == 1


def test_a_run_of_a_part_goes_nowhere(tmp_path: Path) -> None:
    part = run(partial=True)
    assert list(export(part, Settings())) == [], "there is nothing to say where nothing is set"
    said = "metrics were not exported: the run has only a part of the checks"
    assert list(export(part, Settings(metrics_folder=str(tmp_path)))) == [said]
    assert list(tmp_path.iterdir()) == []
