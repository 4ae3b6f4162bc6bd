"""Suites and their checks: what people write, and how it is found.

A check is an `async def test_*` method of a class derived from `HealthSuite` or
`WorkflowSuite`; nothing else in a project is ever taken for one. An annotated class attribute of
a suite is a setting: its value is the default, its annotation the type.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, TypeVar, get_origin, get_type_hints

from smokegate.errors import SuiteError
from smokegate.results import Consequence
from smokegate.settings import KEYS, Settings, Sourced, convert

RESOURCES_FILE = "resources.py"
_MARKS = "__smokegate_marks__"
_PREFIX = "test_"
_LONGEST_QUARANTINE = timedelta(days=90)

Function = TypeVar("Function", bound=Callable[..., Awaitable[None]])


class Suite:
    """The root of all suites; an instance is made for each attempt at a check.

    `service_versions` says for which versions of the service a suite is, as in ">=1.4,<2"; empty
    for any.
    """

    suite: ClassVar[str] = ""
    service_versions: ClassVar[str] = ""
    consequence: ClassVar[Consequence] = Consequence.SHARE


class HealthSuite(Suite):
    """Checks of single endpoints: one that fails means rollback unless it says otherwise."""

    suite = "health"
    consequence = Consequence.ROLLBACK


class WorkflowSuite(Suite):
    """Checks of what users do: the share that passed decides unless a check says otherwise."""

    suite = "workflows"
    consequence = Consequence.SHARE


SUITES = ("health", "workflows")


def consequence(means: Consequence) -> Callable[[Function], Function]:
    """Mark what a failure of this check means for the release."""
    return _mark(consequence=means)


def exclusive(*, last: bool = False) -> Callable[[Function], Function]:
    """Mark a check that runs alone, after the others; `last` puts it behind all of them."""
    return _mark(exclusive=True, last=last)


def deprecated(*, since: str) -> Callable[[Function], Function]:
    """Mark a check that still runs and reports but no longer decides."""
    return _mark(deprecated=since)


def owner(name: str) -> Callable[[Function], Function]:
    """Mark the third party that a check depends on: its failure alone never rolls back."""
    if not isinstance(name, str) or not name.strip():
        raise SuiteError('@owner("...") names the third party')
    return _mark(owner=name)


def quarantine(*, until: str, reason: str) -> Callable[[Function], Function]:
    """Mark a check that does not decide before a day ("2026-12-01", in UTC), and counts from it.

    The day is at most 90 days ahead: what cannot be mended until then is better deleted.
    """
    return _mark(quarantined_until=until, quarantine_reason=reason)


def _mark(**values: Any) -> Callable[[Function], Function]:
    def mark(function: Function) -> Function:
        setattr(function, _MARKS, {**getattr(function, _MARKS, {}), **values})
        return function

    return mark


class Check:
    """One check, ready to be run."""

    def __init__(self, suite_class: type[Suite], name: str) -> None:
        function = getattr(suite_class, name)
        marks: dict[str, Any] = getattr(function, _MARKS, {})
        self.suite_class = suite_class
        self.function = function
        self.suite = suite_class.suite
        self.name = name
        self.id = f"{self.suite}.{name}"
        self.title = title_of(function, name)
        self.file = Path(inspect.getfile(suite_class))
        self.line = function.__code__.co_firstlineno
        self.consequence: Consequence = marks.get("consequence", suite_class.consequence)
        self.exclusive: bool = marks.get("exclusive", False)
        self.last: bool = marks.get("last", False)
        self.deprecated: str = marks.get("deprecated", "")
        self.owner: str = marks.get("owner", "")
        self.quarantined_until: str = marks.get("quarantined_until", "")
        self.quarantine_reason: str = marks.get("quarantine_reason", "")
        self.needs = parameters(function)[1:]
        if self.consequence is Consequence.SHARE and self.suite != WorkflowSuite.suite:
            raise SuiteError(f"{self.file}:{self.line}: only workflow checks count in the share")
        if "quarantined_until" in marks:
            flaw = _flaw_of_quarantine(self.quarantined_until, self.quarantine_reason)
            if flaw:
                raise SuiteError(f"{self.file}:{self.line}: {self.id}: {flaw}")

    def bind(self, suite_settings: dict[str, Any]) -> Callable[..., Awaitable[None]]:
        """Give the check as a function of its resources, on an instance of its own."""
        instance = self.suite_class()
        for key in _annotated(self.suite_class) & suite_settings.keys():
            setattr(instance, key, suite_settings[key])
        bound: Callable[..., Awaitable[None]] = getattr(instance, self.name)
        return bound


def _flaw_of_quarantine(until: object, reason: object) -> str:
    """Say what is wrong with a quarantine; one for ever is none."""
    try:
        day = date.fromisoformat(str(until))
    except ValueError:
        day = None
    if day is None or day.isoformat() != until:
        return f"quarantine: until={until!r} is no day as in 2026-12-01"
    if day > datetime.now(UTC).date() + _LONGEST_QUARANTINE:
        days = _LONGEST_QUARANTINE.days
        return f"quarantine: {until} is more than {days} days ahead; mend the check or delete it"
    if not isinstance(reason, str) or not reason.strip():
        return "quarantine: say in reason= why it fails"
    return ""


def title_of(function: Callable[..., Any], name: str) -> str:
    """The first line of the docstring, or the name in words."""
    documentation = inspect.getdoc(function) or ""
    return documentation.partition("\n")[0].strip() or name.removeprefix(_PREFIX).replace("_", " ")


def parameters(function: Callable[..., Any]) -> list[str]:
    """The names of what a function takes, in order."""
    code = inspect.unwrap(function).__code__  # a decorator's wrapper takes anything
    return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def checks_of(suite_class: type[Suite]) -> list[Check]:
    """The checks of a suite in the order in which they are written, its bases' first.

    Raises `SuiteError` for a test method that is not asynchronous.
    """
    names: dict[str, None] = {}
    for base in reversed(suite_class.__mro__):
        names.update(dict.fromkeys(name for name in vars(base) if name.startswith(_PREFIX)))
    checks = [name for name in names if name not in _annotated(suite_class)]  # those are settings
    for name in checks:
        if not inspect.iscoroutinefunction(getattr(suite_class, name)):
            file = inspect.getfile(suite_class)
            raise SuiteError(f"{file}: {suite_class.__qualname__}.{name} must be an async def")
    return [Check(suite_class, name) for name in checks]


def is_suite(value: object) -> bool:
    """Whether a value is a suite that somebody wrote, rather than one of the roots."""
    return (
        isinstance(value, type)
        and issubclass(value, Suite)
        and value not in (Suite, HealthSuite, WorkflowSuite)
    )


def suites_in(module: ModuleType) -> list[type[Suite]]:
    """The suites that a module defines itself, imported ones left out."""
    return [
        value
        for value in vars(module).values()
        if is_suite(value) and value.__module__ == module.__name__
    ]


def suite_files(paths: Iterable[Path]) -> list[Path]:
    """The `test_*.py` files that paths name or hold; `SuiteError` for a path that is not there."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += files_below(path, "test_*.py")
        elif path.is_file():
            found.append(path)
        else:
            raise SuiteError(f"{path}: no such file or folder; give the folder of your suites")
    return list(dict.fromkeys(file.resolve() for file in found))


def files_below(folder: Path, pattern: str) -> list[Path]:
    """The files in a folder and below; hidden folders (.venv, .git) are passed by."""
    found = folder.rglob(pattern)
    return sorted(
        path
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def load_module(path: Path) -> ModuleType:
    """Import a file by its path; as with pytest, its folder can be imported from.

    Raises `SuiteError` that names the file and the line that failed.
    """
    name, folder = path.stem, str(path.parent)
    loaded = sys.modules.get(name)
    if loaded is not None:
        if Path(getattr(loaded, "__file__", None) or "").resolve() == path:
            return loaded
        raise SuiteError(f"{path}: another module is named {name} already; rename the file")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SuiteError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        reason = " ".join(str(error).split())
        raise SuiteError(f"{_place(path, error)}: {type(error).__name__}: {reason}") from error
    return module


@contextmanager
def apart(label: str) -> Iterator[None]:
    """Let other suites be loaded after the block, though their files have the same names.

    What the block loads from folders of suites goes by another name at its end; its classes know
    that, since types are looked up by it. A check that imports such a module only while it runs
    may get that of other suites.
    """
    there, search = set(sys.modules), list(sys.path)
    try:
        yield
    finally:
        folders = set(sys.path) - set(search)
        sys.path[:] = search
        for name in set(sys.modules) - there:
            file = getattr(sys.modules[name], "__file__", None)
            if file and str(Path(file).parent) in folders:
                _rename(name, f"{name} of {label}")


def _rename(name: str, other: str) -> None:
    module = sys.modules[other] = sys.modules.pop(name)
    module.__name__ = other
    for each in vars(module).values():
        if isinstance(each, type) and each.__module__ == name:
            each.__module__ = other


def _place(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    trace, line = error.__traceback__, 0
    while trace:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{path}:{line}" if line else str(path)


def declared_settings(suites: Iterable[type[Suite]]) -> dict[str, Any]:
    """The settings that suites declare, by name, with their types.

    Raises `SuiteError` for an annotation that names nothing, and for a name of smokegate's own.
    """
    declared: dict[str, Any] = {}
    for suite in suites:
        try:
            hints = get_type_hints(suite)
        except NameError as error:
            raise SuiteError(
                f"{suite.__qualname__}: an annotation cannot be read: {error}"
            ) from None
        own = {name: kind for name, kind in hints.items() if _is_setting(name, kind)}
        for name in own.keys() & {*KEYS}:
            raise SuiteError(f"{suite.__qualname__}.{name}: smokegate has a setting of this name")
        declared |= own
    return declared


def _is_setting(name: str, kind: Any) -> bool:
    public = not name.startswith("_") and name not in Suite.__annotations__
    return public and get_origin(kind) is not ClassVar


def _annotated(suite_class: type[Suite]) -> set[str]:
    return {name for base in suite_class.__mro__ for name in vars(base).get("__annotations__", ())}


def suite_settings(settings: Settings, declared: dict[str, Any]) -> dict[str, Any]:
    """The values that configuration gives to the suites' settings.

    Raises `UsageError` for a value of another type than declared.
    """
    given: dict[str, Sourced] = settings.extra
    return {key: convert(key, given[key], kind) for key, kind in declared.items() if key in given}
