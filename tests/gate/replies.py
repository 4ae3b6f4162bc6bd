"""Replies made by hand, with the evidence that reading them leaves."""

from __future__ import annotations

import json
from typing import Any

from smokegate.client import Evidence, Reply
from smokegate.results import Consequence, Timing

from tests.gate.samples import exchange


def reply_with(
    document: Any = None,
    *,
    body: bytes | None = None,
    status: int = 200,
    media_type: str | None = "application/json",
    headers: tuple[tuple[str, str], ...] = (),
    timing: Timing | None = None,
    consequence: Consequence = Consequence.ROLLBACK,
) -> Reply:
    """Make a reply to GET /things?page=2 with this JSON document, or with a body as it is."""
    content = json.dumps(document).encode() if body is None else body
    typed = (("Content-Type", media_type),) if media_type is not None else ()
    seen = exchange(status=status, headers=(*typed, *headers), timing=timing)
    evidence = Evidence("health.test_it#1", consequence, 0.0)
    evidence.exchanges.append(seen)
    return Reply(seen, content, evidence)
