"""Who is told, and where that is remembered: on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gate.history.conftest import postgres_server, prepared, url
from tests.gate.notify.others import Others, others

__all__ = ["postgres_server", "prepared", "told", "url"]


@pytest.fixture
def told() -> Iterator[Others]:
    with others() as there:
        yield there
