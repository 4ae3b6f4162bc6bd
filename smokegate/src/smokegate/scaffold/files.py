"""Drafts as files: new ones are written whole, existing ones only get what they do not have."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smokegate.scaffold.drafts import HEALTH, WORKFLOWS, Function, indented
from smokegate.scaffold.python import STEP, imports

_FUTURE = "from __future__ import annotations"


@dataclass(frozen=True)
class SuiteFile:
    """How a suite's file begins, and its class."""

    about: str
    name: str
    base: str
    means: str


SUITE_FILES = {
    HEALTH: SuiteFile(
        "Is it up? What a deployment stands on, each part asked by itself.",
        "TestProductionHealth",
        "HealthSuite",
        "What fails here means rollback, unless the check says otherwise.",
    ),
    WORKFLOWS: SuiteFile(
        "Does it do what people use it for? Each workflow from its beginning to its end.",
        "TestCriticalWorkflows",
        "WorkflowSuite",
        "The share that passes decides, unless the check says otherwise.",
    ),
}


def new_suite(suite: str, checks: Sequence[Function]) -> str:
    """The text of a new file with a suite of these checks."""
    file = SUITE_FILES[suite]
    needed = _needed(checks)
    needed.setdefault("smokegate", set()).add(file.base)
    return new_module(file.about, needed, [_class(file, checks)])


def _class(file: SuiteFile, checks: Sequence[Function]) -> str:
    lines = [f"class {file.name}({file.base}):", f'{STEP}"""{file.means}"""']
    for each in [*_settings(checks, frozenset()), *_methods(checks, frozenset())]:
        lines += ["", *each]
    return "\n".join(lines)


def new_module(about: str, needed: Mapping[str, Iterable[str]], blocks: Sequence[str]) -> str:
    """The text of a new module: what it is about, its imports, its classes and functions."""
    wanted = {module: set(names) for module, names in needed.items() if names}
    known = [name for name in wanted if name.partition(".")[0] in sys.stdlib_module_names]
    standard = {name: wanted.pop(name) for name in known}
    parts = [f'"""{about}"""', _FUTURE]
    parts += ["\n".join(imports(each)) for each in (standard, wanted) if each]
    return "\n\n".join(parts) + "".join(f"\n\n\n{block}" for block in blocks) + "\n"


def functions(drafted: Sequence[Function]) -> list[str]:
    """Functions of a module as blocks of text."""
    return ["\n".join(each.lines) for each in drafted]


def _needed(checks: Iterable[Function]) -> dict[str, set[str]]:
    needed: dict[str, set[str]] = {}
    for each in checks:
        for module, names in each.imports.items():
            needed.setdefault(module, set()).update(names)
    return {module: names for module, names in needed.items() if names}


def _settings(checks: Iterable[Function], there: frozenset[str]) -> list[list[str]]:
    """The settings that checks need, without those that are there."""
    needed = {name: text for each in checks for name, text in each.settings.items()}
    return [[*indented(text.split("\n"))] for name, text in needed.items() if name not in there]


def _methods(checks: Sequence[Function], there: frozenset[str]) -> list[list[str]]:
    """The checks, and behind them what helps them, without what is there."""
    helpers = {each.name: each for check in checks for each in check.helpers}
    missing = [each for name, each in helpers.items() if name not in there]
    return [[*indented(each.lines)] for each in [*checks, *missing]]


class Existing:
    """A Python file that is there, and what can be added to it. Raises `SyntaxError`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)

    @property
    def bound(self) -> set[str]:
        """The names that the module binds at its top."""
        found: set[str] = set()
        for node in self.tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(node.name)
            elif isinstance(node, ast.Assign):
                found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        return found

    @property
    def functions(self) -> set[str]:
        """The names of all functions and methods."""
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        return {node.name for node in ast.walk(self.tree) if isinstance(node, kinds)}

    def with_checks(self, suite: str, checks: Sequence[Function]) -> str:
        """The text with checks put behind the members of its suite.

        Raises `SyntaxError` where they would not be members of it.
        """
        file = SUITE_FILES[suite]
        needed = _needed(checks)
        found = self._suite(file)
        if found is None:
            needed.setdefault("smokegate", set()).add(file.base)
            return self.with_blocks(needed, [_class(file, checks)])
        if found.body[0].col_offset != len(STEP):
            raise SyntaxError("what is put behind would not be a part of it")
        there = frozenset(_names_in(found))
        settings = [line for each in _settings(checks, there) for line in ("", *each)]
        methods = [line for each in _methods(checks, there) for line in ("", *each)]
        lines, first, last = self._lines(), _end_of_settings(found), found.end_lineno or 0
        put = [*lines[:first], *settings, *lines[first:last], *methods, *lines[last:]]
        return self._imported(needed, put)

    def with_blocks(self, needed: Mapping[str, Iterable[str]], blocks: Sequence[str]) -> str:
        """The text with classes or functions at its end."""
        lines = self._lines()
        while lines and not lines[-1].strip():
            lines.pop()
        for block in blocks:
            lines += ["", "", *block.split("\n")]
        return self._imported(needed, lines)

    def _lines(self) -> list[str]:
        """Its lines as Python counts them: a form feed ends none."""
        return self.text.removesuffix("\n").split("\n")

    def _suite(self, file: SuiteFile) -> ast.ClassDef | None:
        """The class for checks of a kind: a second one of its name would hide the first."""
        classes = [node for node in self.tree.body if isinstance(node, ast.ClassDef)]
        by_base = (node for node in classes if file.base in map(_last_name, node.bases))
        by_name = (node for node in classes if node.name == file.name)
        return next(by_base, None) or next(by_name, None)

    def _imported(self, needed: Mapping[str, Iterable[str]], lines: list[str]) -> str:
        """Lines with what is imported as well, each statement where it belongs by its module."""
        missing = {module: set(names) - self.bound for module, names in needed.items()}
        for module in sorted((name for name in missing if missing[name]), key=_place, reverse=True):
            at, before = self._behind(module)
            lines = [*lines[:at], *before, *imports({module: missing[module]}), *lines[at:]]
        return "\n".join(lines) + "\n"

    def _behind(self, module: str) -> tuple[int, list[str]]:
        """The line behind which the import of a module belongs, and what parts it from that."""
        at, place = 0, (-1, "")
        for number, node in enumerate(self.tree.body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found = _place(_module_of(node))
                if found <= _place(module):
                    at, place = node.end_lineno or 0, found
            elif number == 0 and isinstance(node, ast.Expr):
                at = node.end_lineno or 0
        return at, [""] if at and place[0] != _place(module)[0] else []


def _place(module: str) -> tuple[int, str]:
    """Where a module is imported: the future first, then the standard library, then the rest."""
    if module == "__future__":
        return 0, module
    return 1 if module.partition(".")[0] in sys.stdlib_module_names else 2, module


def _module_of(node: ast.Import | ast.ImportFrom) -> str:
    return node.names[0].name if isinstance(node, ast.Import) else node.module or "."


def _end_of_settings(suite: ast.ClassDef) -> int:
    """The line behind which a suite's settings stand: its docstring, or the last of them."""
    end = suite.lineno if suite.body[0].lineno > suite.lineno else suite.end_lineno or 0
    for node in suite.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or isinstance(node, ast.AnnAssign):
            end = node.end_lineno or end
    return end


def _last_name(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")


def _names_in(suite: ast.ClassDef) -> list[str]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    functions = [node.name for node in suite.body if isinstance(node, kinds)]
    settings = [
        node.target.id
        for node in suite.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    return functions + settings
