"""Gates on a folder of the test's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from smokegate.history.store import Store

from tests.gate.service.gate.gates import Gates


@pytest.fixture
def gates(tmp_path: Path, empty: Store) -> Gates:
    """Gates whose runs wait until the test lets them end."""
    return Gates(tmp_path, empty)


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory, empty: Store) -> Iterator[httpx2.Client]:
    """A gate for what is refused: it must not have begun anything at the end."""
    there = Gates(tmp_path_factory.mktemp("idle"), empty)
    with there.open() as client:
        yield client
    assert not there.said
