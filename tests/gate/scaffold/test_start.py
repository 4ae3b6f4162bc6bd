"""What `init` needs is only loaded for it."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import sys
from smokegate.cli import parser
parser()
print([name for name in sys.modules if name == "yaml" or name.startswith("smokegate.scaffold.")])
"""


def test_other_commands_start_without_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['smokegate.scaffold.arguments']\n"
