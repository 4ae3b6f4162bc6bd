"""Rolling back by a webhook: what deploys takes the order at once and goes back a little later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from smokegate.results import from_json

from tests.system.command import Commands
from tests.system.small_service import Service, small_service, suite_and_settings


@pytest.fixture
def service() -> Iterator[tuple[str, type[Service]]]:
    with small_service() as there:
        yield there


def test_it_is_waited_for_and_looked_at_again(
    service: tuple[str, type[Service]], tmp_path: Path
) -> None:
    url, state = service
    suites, settings = suite_and_settings(tmp_path)
    settings |= {
        "PRODUCTION_URL": url,
        "SMOKEGATE_WAIT_S": "0.1",
        "SMOKEGATE_ROLLBACK_WEBHOOK": f"{url}/deployer",
        "SMOKEGATE_ROLLBACK_SECRET": "s3cr3t-of-the-deployer",
    }
    commands, before = Commands(tmp_path, settings), tmp_path / "before.json"
    assert commands.smokegate("run", suites, "--save-baseline", before).code == 0
    state.version = "2"
    done = commands.smokegate("run", suites, "--baseline", before, "--act")
    assert done.code == 20, done.text
    assert "The rollback webhook has taken it.\n" in done.out
    assert "The rollback helped.\n" in done.out
    (order,) = state.orders
    assert from_json(json.dumps(order.pop("run")).encode()).version == "2"
    assert order.pop("run_id")
    assert order == {
        "verdict": "rollback",
        "target": url,
        "version": "2",
        "rollback_to": "1",
        "by": "Bearer s3cr3t-of-the-deployer",
    }
    kept = "".join(path.read_text() for path in commands.results.iterdir())
    assert "s3cr3t" not in kept + done.text
