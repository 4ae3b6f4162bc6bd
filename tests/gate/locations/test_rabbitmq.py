"""Where results go through RabbitMQ: to the queue of their part, whatever a message asks for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from smokegate.locations.broker import Patience, broker_of
from smokegate.settings import Settings

PART = "20260101-000000-abcdef"


@pytest.mark.parametrize(
    ("task_id", "to"),
    [
        (PART, f"smokegate.result.{PART}"),
        (f"{PART}\n", ""),
        (f"x{PART}", ""),
        ("x" * 300, ""),
        ([PART], ""),
    ],
)
def test_a_result_goes_to_its_part_alone(task_id: str, to: str) -> None:
    broker = broker_of(Settings(broker="amqp://host"), Patience(silent_s=1.0, retries=0))
    backend: Any = broker.app.backend
    request = SimpleNamespace(reply_to="somebody.elses", correlation_id="other")
    assert backend.destination_for(task_id, request) == (to, task_id)
