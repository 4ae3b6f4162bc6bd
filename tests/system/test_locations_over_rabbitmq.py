"""What holds over any broker holds over RabbitMQ: two places, and whatever becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from smokegate.fault_proxy.certificates import Certificates
from smokegate.locations.broker import Patience, broker_of
from smokegate.locations.messages import queue
from smokegate.settings import Settings

from tests.system import place
from tests.system import test_locations as over_any
from tests.system.location_world import World, serving
from tests.system.tls_rabbitmq import MOST_MESSAGE_BYTES, TlsRabbitMq

pytestmark = pytest.mark.skipif(
    not place.available(), reason="no right to make namespaces (unshare)"
)
whole_again = over_any.whole_again


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> TlsRabbitMq:
    return TlsRabbitMq(certificates, tmp_path_factory.mktemp("rabbitmq"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, rabbitmq: TlsRabbitMq) -> Iterator[World]:
    with serving(tmp_path_factory.mktemp("locations"), rabbitmq, ("eu", "us")) as world:
        yield world


def test_all_agree_and_leave_nothing(world: World) -> None:
    done = world.run()
    assert done.code == 0, done.text
    run_ids = [each.run.run_id for each in world.last.locations if each.run]
    assert len(run_ids) == len(world.places)
    names = [f"smokegate.{kind}.{run_id}" for run_id in run_ids for kind in ("claim", "result")]
    assert [name for name in names if world.broker.has(name)] == []


@pytest.mark.long
def test_what_is_sent_outlives_a_restart_and_is_taken_once(
    world: World, rabbitmq: TlsRabbitMq
) -> None:
    world.expected_rows = 0
    run_id = "20260101-000000-fedcba"
    settings = Settings(broker=rabbitmq.url, broker_ca_file=rabbitmq.ca_file)
    broker = broker_of(settings, Patience(silent_s=10.0, retries=0))
    for _ in range(2):  # as after a connection that broke before it was confirmed
        broker.send(run_id, "elsewhere", {}, wait_s=60.0, limit_s=60)
    broker.app.backend.store_result(run_id, {}, "SUCCESS")
    claim, result = f"smokegate.claim.{run_id}", f"smokegate.result.{run_id}"
    assert [rabbitmq.is_kept(name) for name in (queue("elsewhere"), claim, result)] == [True] * 3
    assert not broker.is_taken(run_id)
    assert [broker.take(run_id) for _ in range(2)] == [True, False]
    assert broker.is_taken(run_id)
    with pytest.raises(broker.failures, match="PRECONDITION_FAILED"):
        broker.app.backend.store_result(run_id, "x" * MOST_MESSAGE_BYTES, "SUCCESS")
    broker.forget(run_id)
    broker.close()


@pytest.mark.long
def test_a_worker_that_is_killed_in_mid_run(world: World) -> None:
    over_any.test_a_worker_that_is_killed_in_mid_run(world)


@pytest.mark.long
def test_a_broker_that_is_of_no_use_is_told_from_one_that_is_away(
    world: World, tmp_path: Path
) -> None:
    over_any.test_a_broker_that_is_of_no_use_is_told_from_one_that_is_away(world, tmp_path)


@pytest.mark.long
def test_what_nobody_serves_expires(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    over_any.test_what_nobody_serves_expires(world, monkeypatch)


@pytest.mark.long
def test_a_broker_that_is_restarted_in_mid_run(world: World) -> None:
    over_any.test_a_broker_that_is_restarted_in_mid_run(world)


@pytest.mark.long
def test_a_whole_worker_that_is_killed_takes_a_task_once(world: World) -> None:
    over_any.test_a_whole_worker_that_is_killed_sweeps_when_it_is_back_and_takes_a_task_once(world)


@pytest.mark.long
def test_what_is_no_question_is_refused_in_one_line(world: World) -> None:
    over_any.test_what_is_no_question_is_refused_in_one_line(world)
