"""What `docs/ci.md` says of exit codes, and what stands in smokegate's place to see it done."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.system.command import ROOT

GUIDE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
GITHUB, GITLAB, JENKINS = 3, 4, 5  # columns of its table
NO_CODE_OF_OURS = 137
CODES = (0, 5, 10, 20, 30, 2, NO_CODE_OF_OURS)
STAND_IN = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >"$NOTES"
exit "$CODE"
"""


def documented(system: int) -> dict[int, str]:
    """What the table of the guide says that a system does with each exit code."""
    rows = re.findall(r"^\| .+", GUIDE.partition("## GitHub Actions")[0], re.MULTILINE)[1:]
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return {int(row[2] or NO_CODE_OF_OURS): row[system] for row in cells}


class StandIn:
    """A program named smokegate: it notes its arguments, and exits as it is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bin"
        self.folder.mkdir()
        self.program = self.folder / "smokegate"
        self.says(STAND_IN)
        self.notes = folder / "notes"

    def says(self, script: str) -> None:
        self.program.write_text(script)
        self.program.chmod(0o755)

    @property
    def arguments(self) -> list[str]:
        return self.notes.read_text().splitlines()

    def environment(self, code: int) -> dict[str, str]:
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "NOTES": str(self.notes), "CODE": str(code)}
