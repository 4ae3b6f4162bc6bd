"""What checks share: made once per run, as soon as what it needs is there, and removed at the end.

A resource is a coroutine function marked `@resource` in `resources.py` beside the suites, or in
a suite's own file. Its parameters name other resources, as a check's do; `client` is given to
each. What was created under a kind is removed by the function that is marked `@removes(kind)`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from smokegate.checks import (
    RESOURCES_FILE,
    Check,
    files_below,
    load_module,
    parameters,
    suite_files,
)
from smokegate.client import Client
from smokegate.errors import SuiteError

CLIENT = "client"
_RESOURCE = "__smokegate_resource__"
_REMOVES = "__smokegate_removes__"

Make = TypeVar("Make", bound=Callable[..., Awaitable[Any]])
Remover = Callable[[Client, str], Awaitable[bool]]
Remove = TypeVar("Remove", bound=Remover)


def resource(function: Make) -> Make:
    """Mark a coroutine function that makes something for checks to share."""
    _refuse_sync(function)
    setattr(function, _RESOURCE, True)
    return function


def removes(kind: str) -> Callable[[Remove], Remove]:
    """Mark the function that removes what was created under a kind.

    It is called with a client and the name, returns whether there was such a thing, and fails if
    it could not be removed.
    """

    def mark(function: Remove) -> Remove:
        _refuse_sync(function)
        setattr(function, _REMOVES, kind)
        return function

    return mark


class Resource:
    """One resource, ready to be made."""

    def __init__(self, name: str, make: Callable[..., Awaitable[Any]]) -> None:
        self.name = name
        self.make = make
        self.needs = parameters(make)


class Catalogue:
    """The resources and removers that suites can name."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self.removers: dict[str, Remover] = {}

    def add(self, values: dict[str, Any]) -> None:
        """Take in the resources and removers among a module's names.

        Raises `SuiteError` where one name means two things: who gets which would be luck.
        """
        for name, value in values.items():
            if getattr(value, _RESOURCE, False) is True:
                known = self.resources.setdefault(name, Resource(name, value))
                _refuse_twin(f"the resource {name}", value, known.make)
            kind = getattr(value, _REMOVES, None)
            if isinstance(kind, str):
                _refuse_twin(f"removes({kind!r})", value, self.removers.setdefault(kind, value))

    def needed_by(self, checks: Iterable[Check]) -> dict[str, list[str]]:
        """Which checks need each resource, directly or through others.

        Raises `SuiteError` for a name that no resource has, and for a circle.
        """
        needed: dict[str, list[str]] = {}
        known: dict[str, dict[str, None]] = {}
        for check in checks:
            for name in self._closure(check.id, check.needs, (), known):
                needed.setdefault(name, []).append(check.id)
        return needed

    def _closure(
        self,
        user: str,
        needs: list[str],
        above: tuple[str, ...],
        known: dict[str, dict[str, None]],
    ) -> dict[str, None]:
        """All that somebody needs, in an order in which it can be made."""
        names: dict[str, None] = {}
        for name in needs:
            if name == CLIENT:
                continue
            if name in above:
                raise SuiteError(f"resources need each other: {' -> '.join((*above, name))}")
            if name not in self.resources:
                there = ", ".join(sorted(self.resources)) or "none"
                raise SuiteError(f"{user} takes {name!r}, which is no resource; there are: {there}")
            if name not in known:
                needs_of_it = self.resources[name].needs
                known[name] = self._closure(name, needs_of_it, (*above, name), known)
            names |= known[name]
            names[name] = None
        return names


def place_of(function: Callable[..., Any]) -> str:
    """The file and line where a function begins."""
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def _refuse_sync(function: Callable[..., Any]) -> None:
    if not inspect.iscoroutinefunction(function):
        raise SuiteError(f"{place_of(function)}: {function.__name__} must be an async def")


def _refuse_twin(what: str, function: Callable[..., Any], known: Callable[..., Any]) -> None:
    if function is not known:
        raise SuiteError(f"{place_of(function)}: {what} is defined in {place_of(known)} already")


def removers_in(paths: Iterable[str]) -> dict[str, Remover]:
    """The removers of the suites under some paths, for cleaning up after a run that died."""
    catalogue = Catalogue()
    for path in map(Path, paths):
        folder = path if path.is_dir() else path.parent
        for file in [*files_below(folder, RESOURCES_FILE), *suite_files([path])]:
            catalogue.add(vars(load_module(file.resolve())))
    return catalogue.removers


def catalogue_of(checks: Iterable[Check]) -> Catalogue:
    """Collect the resources that stand beside the checks' files and in them."""
    catalogue = Catalogue()
    modules = dict.fromkeys((check.file, check.suite_class.__module__) for check in checks)
    for folder in dict.fromkeys(file.parent for file, _ in modules):
        if (folder / RESOURCES_FILE).is_file():
            catalogue.add(vars(load_module((folder / RESOURCES_FILE).resolve())))
    for _, module in modules:
        catalogue.add(vars(sys.modules[module]))
    return catalogue
