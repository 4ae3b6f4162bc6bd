"""Folders of suites as users write them, loaded and forgotten again by each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

_IMPORTS = """
from smokegate import *
from smokegate import Client, HealthSuite, WorkflowSuite
"""


class SuiteFolder:
    """A folder that a test writes suites into."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, code: str) -> Path:
        """Write a file that begins with the imports every suite needs."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_IMPORTS + dedent(code), encoding="utf-8")
        return path

    def __str__(self) -> str:
        return str(self.path)


@contextmanager
def suite_folder(path: Path) -> Iterator[SuiteFolder]:
    """Let a test load modules from a folder; they are forgotten at the end."""
    modules, search = dict(sys.modules), list(sys.path)
    try:
        yield SuiteFolder(path)
    finally:
        sys.path[:] = search
        for name in set(sys.modules) - set(modules):
            file = getattr(sys.modules[name], "__file__", None) or ""
            if Path(file).is_relative_to(path):
                del sys.modules[name]
