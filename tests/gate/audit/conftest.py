"""Golden files of an audit, and how to renew them.

UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/gate/audit
git diff tests/gate/audit/golden
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "golden"

Golden = Callable[[str, str], None]


@pytest.fixture
def golden() -> Golden:
    """Compare a text with the golden file of this name."""

    def compare(name: str, text: str) -> None:
        path = FOLDER / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        wanted = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == wanted, f"{name} differs; see tests/gate/audit/conftest.py"

    return compare
