"""The project that is drafted for: what is there, what is added, what is left as it is."""

from __future__ import annotations

import ast
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from smokegate.checks import RESOURCES_FILE, files_below
from smokegate.errors import UsageError
from smokegate.scaffold import files, starter
from smokegate.scaffold.contracts import imports_of
from smokegate.scaffold.drafts import HEALTH, WORKFLOWS, Drafts, Function, marks_in
from smokegate.scaffold.files import Existing
from smokegate.settings import FILE_NAME
from smokegate.whole_file import write_whole

SUITES = "tests/smoke"
NAMES = {HEALTH: "test_production_health.py", WORKFLOWS: "test_critical_workflows.py"}
_CONTRACT = "contract.py"
_ACCOUNT = frozenset({"account", "token", "log_in"})
_STARTERS = {HEALTH: starter.health, WORKFLOWS: starter.workflow}


class Project:
    """A folder, and what happened to its files. Raises `UsageError` for what cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.suites = folder / SUITES
        self.told: list[tuple[str, str]] = []
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder}: it is no folder")
        self._there = {path: self._text(path) for path in self._python()}

    def _python(self) -> list[Path]:
        return files_below(self.suites, "*.py") if self.suites.is_dir() else []

    def _text(self, path: Path) -> str:
        try:
            return path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError(f"{path}: it is not UTF-8") from None
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}") from None

    @property
    def marks(self) -> set[str]:
        """What checks that are there were drafted from."""
        return {mark for text in self._there.values() for mark in marks_in(text)}

    @property
    def taken(self) -> set[str]:
        """The names that checks there have."""
        found: set[str] = set()
        for path, text in self._there.items():
            if path.name.startswith("test_"):
                found |= _parsed(path, text).functions
        return found

    @property
    def may_register(self) -> bool:
        """Whether the resources that make an account are there, or nothing is in their way."""
        path = self.suites / RESOURCES_FILE
        if path not in self._there:
            return True
        bound = _parsed(path, self._there[path]).bound
        is_ours = bound >= _ACCOUNT
        return is_ours or not (
            bound & {*_ACCOUNT, "remove_account"} or "removes(" in self._there[path]
        )

    def add(self, drafts: Drafts) -> None:
        """Put drafts into the files, and tell of each."""
        for suite, name in NAMES.items():
            self._add_checks(suite, self.suites / name, drafts.checks)
        self._add_blocks(
            self.suites / RESOURCES_FILE,
            "What the checks share: made once per run, and removed at its end.",
            {each.name: each for each in drafts.resources},
        )
        self._add_contract(drafts.classes)

    def _add_checks(self, suite: str, path: Path, checks: Sequence[Function]) -> None:
        wanted = [each for each in checks if each.suite == suite]
        if path not in self._there:
            wanted = wanted or [_STARTERS[suite]()]
            self.write_new(path, files.new_suite(suite, wanted), _count(wanted))
        elif wanted:
            self._change(path, lambda there: there.with_checks(suite, wanted), _count(wanted))
        else:
            self._tell(path, "nothing new")

    def _add_blocks(self, path: Path, about: str, drafted: dict[str, Function]) -> None:
        there = _parsed(path, self._there[path]).bound if path in self._there else set()
        new = [each for name, each in drafted.items() if name not in there]
        if not new:
            return
        needed: dict[str, set[str]] = {}
        for each in new:
            for module, names in each.imports.items():
                needed.setdefault(module, set()).update(names)
        self._blocks(path, about, needed, files.functions(new))

    def _add_contract(self, classes: dict[str, str]) -> None:
        path = self.suites / _CONTRACT
        there = _parsed(path, self._there[path]).bound if path in self._there else set()
        new = [text for name, text in classes.items() if name not in there]
        if new:
            about = "What replies promise: the members that are required, and what they may be."
            self._blocks(path, about, imports_of(new), new)

    def _blocks(
        self, path: Path, about: str, needed: dict[str, set[str]], blocks: list[str]
    ) -> None:
        if path in self._there:
            self._change(path, lambda there: there.with_blocks(needed, blocks), "")
        else:
            self.write_new(path, files.new_module(about, needed, blocks), "")

    def _change(self, path: Path, change: Callable[[Existing], str], what: str) -> None:
        """Add to a file; where that gives no Python, it is left as it is, and that is said."""
        before = self._there[path]
        is_windows = "\r\n" in before
        there = _parsed(path, before.replace("\r\n", "\n"))
        try:
            text = change(there)
            ast.parse(text)
        except SyntaxError:
            wrong = "nothing can be put into its suite: rewrite it as a block of four spaces"
            raise UsageError(f"{path}: {wrong}") from None
        encoded = (text.replace("\n", "\r\n") if is_windows else text).encode()
        self._written(path, lambda: write_whole(path.resolve(), encoded, mode=_mode(path)))
        self._tell(path, f"added {what}".strip())

    def write_new(self, path: Path, text: str, what: str = "") -> None:
        """Write a file that is not there; one that is stays as it is."""

        def write() -> None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)

        try:
            self._written(path, write)
        except FileExistsError:
            self._tell(path, "there already, left as it is")
        else:
            self._tell(path, f"new{', ' if what else ''}{what}")

    def _written(self, path: Path, write: Callable[[], None]) -> None:
        try:
            write()
        except FileExistsError:
            raise
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}") from None

    def write_settings(self, url: str, found: dict[str, Any]) -> None:
        """Write `smokegate.toml`."""
        shown = msgspec.json.encode(url or "https://api.example.com").decode()
        lines = ["# What is verified; an option or a variable such as PRODUCTION_URL wins over it."]
        lines.append(f"url = {shown}" if url else f"# url = {shown}")
        lines += [f"{key} = {msgspec.json.encode(each).decode()}" for key, each in found.items()]
        self.write_new(self.folder / FILE_NAME, "\n".join(lines) + "\n")

    def _tell(self, path: Path, what: str) -> None:
        self.told.append((path.relative_to(self.folder).as_posix(), what))


def _parsed(path: Path, text: str) -> Existing:
    try:
        return Existing(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        at = f":{line}" if line else ""
        raise UsageError(f"{path}{at}: it is not Python; mend it first") from None


def _count(checks: Sequence[Function]) -> str:
    return f"{len(checks)} check{'s' if len(checks) != 1 else ''}"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
