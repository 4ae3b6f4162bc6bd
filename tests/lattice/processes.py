"""The command as people call it, run to its end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Far beyond any start on a busy machine; nothing is judged by it.
ENDED_WITHIN_S = 60.0


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with these LATTICE_* variables and no others."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("LATTICE_")}
    return inherited | dict(settings)


def run_lattice(
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    interpreter: Sequence[str] = (),
    directory: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `python -m lattice` until it ends."""
    return subprocess.run(
        [sys.executable, *interpreter, "-m", "lattice", *arguments],
        env=environment(settings or {}),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ENDED_WITHIN_S,
        check=False,
    )
