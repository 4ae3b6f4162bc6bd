from __future__ import annotations

import pytest
from smokegate.reports.traffic import slowest, traffic

from tests.gate.reports import parts, runs


def test_requests_of_checks_of_resources_and_of_every_attempt_are_counted() -> None:
    run = runs.rollback()
    seen = traffic(run)
    assert (seen.requests, seen.connections) == (17, 1)
    assert seen.sum_s == pytest.approx(17 * 0.015)
    assert seen.in_words() == "17 requests over 1 connection, 255 ms of requests in 2.25 s"


def test_a_request_that_was_never_connected_uses_no_connection() -> None:
    refused = parts.exchange(status=None, trouble="refused", connection=4)
    run = parts.judged(parts.failed(parts.HEALTH[0], refused, "it is answered", "no"))
    assert traffic(run).connections == 1
    assert traffic(runs.down()).connections == 0


def test_the_slowest_comes_first_and_blocked_checks_have_no_time() -> None:
    run = runs.rollback()
    checks = slowest(run, 30)
    assert checks[0].id == "workflows.test_lattice_pathfinding_flow"
    assert len(checks) == 15
    assert len(slowest(run, 2)) == 2
