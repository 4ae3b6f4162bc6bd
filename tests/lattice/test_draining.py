"""The end that a load balancer can see coming."""

from __future__ import annotations

import signal
from collections.abc import Callable

import httpx2
import pytest

from tests.lattice.in_process import assert_problem
from tests.lattice.load import Load
from tests.lattice.processes import Served
from tests.lattice.servers import assert_in_the_end

CHEAP = {"LATTICE_PASSWORD_TIME_COST": "1", "LATTICE_PASSWORD_MEMORY_KIB": "64"}
Serving = Callable[..., Served]


def is_ready(served: Served) -> bool:
    return httpx2.get(f"{served.url}/health/ready").status_code == 200


def test_it_serves_on_and_says_that_it_is_not_ready(serving: Serving) -> None:
    served = serving(LATTICE_DRAIN_S="600")
    with httpx2.Client(base_url=served.url) as kept:
        assert kept.get("/api/plans").headers.get("connection") is None
        served.process.send_signal(signal.SIGTERM)
        assert_in_the_end(lambda: not is_ready(served))
        assert "about to end" in assert_problem(kept.get("/health/ready"), 503)["detail"]
        health = kept.get("/health")
        assert (health.status_code, health.json()["status"]) == (503, "draining")
        assert kept.get("/health/live").status_code == 200
        served_on = kept.get("/api/plans")
        # So that the client goes elsewhere, rather than lose what it sends at the end.
        assert (served_on.status_code, served_on.headers["connection"]) == (200, "close")
    assert served.end() == (0, "", "")


def test_it_ends_by_itself_when_the_time_is_over(serving: Serving) -> None:
    served = serving(LATTICE_DRAIN_S="0.2")
    served.process.send_signal(signal.SIGTERM)
    assert served.ended() == (0, "", "")


def test_whoever_stops_it_at_a_terminal_does_not_wait(serving: Serving) -> None:
    served = serving(LATTICE_DRAIN_S="600")
    assert served.end(signal.SIGINT) == (0, "", "")


@pytest.mark.long
def test_a_rolling_restart_behind_a_balancer_loses_no_request(serving: Serving) -> None:
    def start() -> Served:
        settings = {"LATTICE_DRAIN_S": "600", "LATTICE_RATE_LIMIT_ANONYMOUS": "1000000"}
        return serving("--dev", **settings, **CHEAP)

    instances = [start(), start()]
    chosen = [served.url for served in instances]
    with Load(chosen) as load:
        for place, old in enumerate(instances):
            old.process.send_signal(signal.SIGTERM)
            assert_in_the_end(lambda old=old: not is_ready(old))  # type: ignore[misc]
            chosen.remove(old.url)
            # In production it is a time that says when all have noticed.
            load.await_leaving(old.url)
            assert old.end() == (0, "", "")
            instances[place] = start()
            chosen.append(instances[place].url)
            load.await_more(20)
    assert load.lost == []
