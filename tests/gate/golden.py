"""Golden files, and how to renew them.

    UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/gate/reports    # or audit, or history
    git diff tests/gate

writes what the reports are now; the difference is what a reviewer reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

Golden = Callable[[str, str], None]


def golden_in(folder: Path) -> Golden:
    """What compares a text with the golden file of a name."""

    def compare(name: str, text: str) -> None:
        path = folder / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        wanted = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == wanted, f"{name} differs; see tests/gate/golden.py"

    return compare
