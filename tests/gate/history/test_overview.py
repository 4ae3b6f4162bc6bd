"""How environments stand, and what was counted."""

from __future__ import annotations

from smokegate.history import tables
from smokegate.history.overview import overview
from smokegate.history.rows import DAY_MS
from smokegate.history.store import Store

from tests.gate.history.histories import BEGIN_MS, Mark, take_in
from tests.gate.history.runs import failing, run

TODAY = BEGIN_MS // DAY_MS


def test_each_environment_stands_as_its_newest_run_says(store: Store) -> None:
    there = run()
    deployed = Mark("production", there.target, "1.0.0", BEGIN_MS - 60_000)
    earlier = deployed._replace(version="0.9.0", deployed_ms=BEGIN_MS - 90_000)
    before = run(0, minutes=-60 * 24, version="")
    elsewhere = run(3, environment="staging", version="")
    take_in(store, [deployed, earlier, before, run(1), failing(2, minutes=5), elsewhere])
    with store.reading() as connection:
        production, staging = overview(connection, TODAY)
    assert (production.environment, production.run_id, production.action) == (
        "production",
        "run-000002",
        "rollback",
    )
    assert production.succeeded_at == "2026-01-01T00:00:02Z"
    assert (production.deployed, production.deployed_at) == ("1.0.0", "2025-12-31T23:59:00Z")
    assert production.verdicts == {"proceed": 1, "rollback": 1}
    assert (production.pass_rate.part, production.pass_rate.total) == (3, 4)
    assert (staging.deployed, staging.deployed_at, staging.verdicts) == ("", "", {"proceed": 1})
    with store.reading() as connection:
        assert overview(connection, TODAY - 1)[0].verdicts == {"proceed": 2, "rollback": 1}
        quiet = overview(connection, TODAY + 1)[0]
    assert (quiet.verdicts, quiet.pass_rate.value) == ({}, None)


def test_where_only_parts_of_the_checks_ran_an_environment_is_known_without_a_verdict(
    store: Store,
) -> None:
    store.remember(failing(1, environment="staging", partial=True))
    with store.reading() as connection:
        (staging,) = overview(connection, TODAY)
    assert (staging.environment, staging.action, staging.run_id) == ("staging", "", "")
    assert (staging.started_at, staging.verdicts, staging.pass_rate.total) == ("", {}, 0)
    store.remember(run(2, environment="staging", minutes=-5))
    with store.reading() as connection:
        (staging,) = overview(connection, TODAY)
    assert (staging.action, staging.run_id) == ("proceed", "run-000002")


def test_a_pruned_run_is_no_longer_named(store: Store) -> None:
    store.remember(run(1))
    with store.transaction() as connection:
        connection.execute(tables.runs.delete())
    with store.reading() as connection:
        (production,) = overview(connection, TODAY)
    assert (production.action, production.run_id) == ("proceed", "")


def test_an_empty_history_has_no_environment(store: Store) -> None:
    with store.reading() as connection:
        assert overview(connection, TODAY) == []
