from __future__ import annotations

from pathlib import Path

import pytest

from tests.gate.scaffold.drafting import Drafted


@pytest.fixture
def project(tmp_path: Path) -> Drafted:
    """A project without any file."""
    return Drafted(tmp_path / "project")
