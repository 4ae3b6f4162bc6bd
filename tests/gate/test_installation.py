"""smokegate alone is light: it needs neither Lattice nor pytest."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
WITHOUT = """
import sys
for name in ("pytest", "lattice", "trustme", "h11", "fastapi", "alembic", "sqlalchemy"):
    sys.modules[name] = None  # an import of it fails from here on
from smokegate.cli import main
sys.exit(main(["run", "--list", "tests/smoke"]))
"""


def test_it_depends_on_four_libraries() -> None:
    """Two for the verdict, and two for the history, which come in once the verdict is shown."""
    project = tomllib.loads((ROOT / "smokegate/pyproject.toml").read_text())["project"]
    names = {requirement.partition(">")[0] for requirement in project["dependencies"]}
    assert names == {"alembic", "msgspec", "pycurl", "sqlalchemy"}


def test_it_runs_without_pytest_and_without_lattice() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "health.test_api_server_running" in done.stdout
