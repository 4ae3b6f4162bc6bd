"""What Prometheus reads."""

from __future__ import annotations

import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from smokegate.results import Outcome
from smokegate.service import metrics
from smokegate.service.metrics import exposition
from sqlalchemy import event

from tests.gate.history.conftest import postgres_server, prepared, store, url
from tests.gate.history.runs import failing, run
from tests.gate.samples import healthy, result

__all__ = ["postgres_server", "prepared", "store", "url"]

Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples(store: Store) -> dict[Sample, float]:
    """Every sample by its name and labels."""
    families = text_string_to_metric_families(exposition(store).decode())
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in families
        for each in family.samples
    }


def of(found: dict[Sample, float], name: str, **labels: str) -> float:
    """The sum over the samples of a name that have these labels."""
    wanted = set(labels.items())
    return sum(
        value for (each, given), value in found.items() if each == name and wanted <= set(given)
    )


def test_results_are_counted_by_environment_suite_and_check(store: Store) -> None:
    store.remember(run(1, environment="staging"))
    store.remember(failing(2))
    found = samples(store)
    assert of(found, "smoke_test_total") == 4
    assert of(found, "smoke_test_passed_total") == 3
    assert of(found, "smoke_test_failed_total") == 1
    assert of(found, "smoke_test_failed_total", environment="production", check="health.up") == 1
    assert of(found, "smoke_test_total", environment="staging", suite="workflows") == 1


def test_unknown_counts_in_the_total_alone_and_skipped_nowhere(store: Store) -> None:
    store.remember(run(1, healthy(), result("flow", Outcome.UNKNOWN)))
    store.remember(run(2, healthy(), result("flow", Outcome.SKIPPED)))
    found = samples(store)
    flow = {"check": "workflows.flow"}
    assert of(found, "smoke_test_total", **flow) == 1
    assert of(found, "smoke_test_passed_total", **flow) == 0
    assert of(found, "smoke_test_failed_total", **flow) == 0


def test_durations_are_a_histogram(store: Store) -> None:
    for number, seconds in enumerate([0.02, 0.3, 100.0], 1):
        store.remember(run(number, result("flow", duration_s=seconds)))
    found = samples(store)
    name = "smoke_test_duration_seconds"
    bounds = {"0.05": 1, "0.25": 1, "0.5": 2, "60.0": 2, "+Inf": 3}
    assert {bound: of(found, f"{name}_bucket", le=bound) for bound in bounds} == bounds
    assert of(found, f"{name}_count") == 3
    assert of(found, f"{name}_sum") == pytest.approx(100.32)


def test_a_restart_goes_on_where_the_counters_stood(url: str) -> None:
    for number in (1, 2):
        store = opened(url)
        store.remember(run(number))
        assert of(samples(store), "smoke_test_total", check="health.up") == number
        store.close()


def test_where_environments_stand(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_767_225_662.0)  # a minute after the run
    store.remember(run(1))
    store.remember(failing(2, minutes=1))
    found = samples(store)
    production = {"environment": "production"}
    verdicts = {name: of(found, "smoke_run_verdict", verdict=name, **production) for name in ALL}
    assert verdicts == {**dict.fromkeys(ALL, 0.0), "rollback": 1.0}
    assert of(found, "smoke_run_last_timestamp_seconds", **production) == 1_767_225_660
    assert of(found, "smoke_run_last_success_timestamp_seconds", **production) == 1_767_225_602
    assert of(found, "smoke_run_last_success_age_seconds", **production) == 60


ALL = ("proceed", "monitor", "inconclusive", "investigate", "rollback")


def test_a_run_of_a_part_of_the_checks_is_counted_and_is_nobodys_last_verdict(
    store: Store,
) -> None:
    store.remember(failing(1, environment="staging", partial=True))
    found = samples(store)
    assert of(found, "smoke_test_failed_total", environment="staging") == 1
    assert not [each for each in found if each[0].startswith("smoke_run")]


def test_made_up_environments_make_no_series_without_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_MOST_ENVIRONMENTS", 3)
    for number in range(6):
        store.remember(run(number, minutes=number, environment=f"branch-{number}"))
    found = samples(store)
    named = {dict(labels).get("environment") for _, labels in found}
    assert named == {"branch-3", "branch-4", "branch-5", "(others)"}
    assert of(found, "smoke_test_total", check="health.up") == 6
    assert of(found, "smoke_test_total", check="health.up", environment="(others)") == 3


def test_a_scrape_asks_no_table_that_grows_with_the_runs(store: Store) -> None:
    store.remember(run(1))
    asked: list[str] = []
    event.listen(
        store._engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: asked.append(statement),
    )
    exposition(store)
    tables = " ".join(asked)
    assert "counters" in tables
    for grows in ("FROM runs", "results", "failures", "timings"):
        assert grows not in tables


def test_hostile_names_stay_within_their_quotes(store: Store) -> None:
    hostile: Any = 'x"} smoke_test_total{a="1'
    store.remember(run(1, environment=hostile + "\n# evil"))
    found = samples(store)
    assert of(found, "smoke_test_total", check="health.up") == 1
