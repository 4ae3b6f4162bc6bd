"""Many targets in one file: what all have in common, groups of them, and each with its own.

    [defaults]
    paths = ["tests/smoke"]
    timeout_s = 10

    [groups.eu]
    tags = ["eu"]
    environment = "production-eu"

    [targets.checkout]
    url = "https://checkout.eu.example.com"
    groups = ["eu"]
    tags = ["payments"]
    test_password = { env = "CHECKOUT_PASSWORD" }

A target's own settings win over those of its groups, the later group over the earlier, groups over
the environment, and the environment over `[defaults]` and `smokegate.toml` beside the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec

from smokegate.arguments import SUITES_FOLDER
from smokegate.errors import UsageError
from smokegate.settings import (
    FILE_NAME,
    Settings,
    Sourced,
    convert,
    document,
    flattened,
    from_environment,
    from_file,
    from_sources,
    readable,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_TABLES = ("defaults", "groups", "targets")
_NOT_SETTINGS = ("groups", "paths", "tags")
_Words = tuple[str, ...]
_Found = dict[str, Sourced]


class Target(msgspec.Struct, frozen=True):
    """One target of several: its name, which is that of its results, and all that a run needs."""

    name: str
    settings: Settings
    paths: tuple[Path, ...]
    tags: frozenset[str] = frozenset()


def read(file: Path, environ: Mapping[str, str]) -> dict[str, Target]:
    """The targets of a file by name, in its order.

    Raises `UsageError` that names the target, the key and what was expected.
    """
    written = document(file)
    strange = [name for name in written if name not in _TABLES]
    if strange:
        known = ", ".join(f"[{name}]" for name in _TABLES)
        raise UsageError(f"{file}: there is no {strange[0]!r}; it has {known}")
    reader = _Reader(file, environ)
    defaults = reader.found("[defaults]", written.get("defaults", {}))
    _refuse(f"{file}: [defaults]", defaults, ("url", "groups"))
    around = [from_file(file.parent / FILE_NAME), defaults, _said_of_all(environ)]
    groups = {}
    for name, table in reader.named("groups", written):
        groups[name] = reader.found(f"group {name!r}", table)
        _refuse(f"{file}: group {name!r}", groups[name], ("url", "groups"))
    found = {
        name: reader.target(name, table, around, groups)
        for name, table in reader.named("targets", written)
    }
    if not found:
        raise UsageError(f"{file}: it names no target; add [targets.NAME] with a url")
    return found


def one(file: Path, name: str, environ: Mapping[str, str]) -> Target:
    """The target of a name; without a name, the only one there is.

    Raises `UsageError` as `read` does, and where that is not one.
    """
    found = read(file, environ)
    names = [name] if name else list(found)
    if len(names) > 1 or names[0] not in found:
        wrong = f"there is no target {name!r}" if name else "say which target is meant"
        raise UsageError(f"{file}: {wrong}; there are {', '.join(sorted(found))}")
    return found[names[0]]


@dataclass(frozen=True)
class _Reader:
    """Reads the tables of a file; `environ` has what they take from the environment."""

    file: Path
    environ: Mapping[str, str]

    def named(self, kind: str, written: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The tables of a kind by name."""
        tables = _table(f"{self.file}: [{kind}]", written.get(kind, {}))
        for name, table in tables.items():
            if not _NAME.fullmatch(name):
                wrong = "a name has letters, digits, '.', '_' and '-' only"
                raise UsageError(f"{self.file}: [{kind}]: {name!r}: {wrong}")
            yield name, table

    def found(self, name: str, table: Any) -> _Found:
        """The settings of a table; `{ env = "NAME" }` is what the environment has there."""
        where = f"{self.file}: {name}"
        written = flattened(_table(where, table))
        return {key: Sourced(self._value(where, key, written[key]), where) for key in written}

    def target(
        self, name: str, table: Any, around: list[_Found], groups: Mapping[str, _Found]
    ) -> Target:
        """A target with what its own table says, its groups, and what is around them."""
        where = f"{self.file}: target {name!r}"
        own = self.found(f"target {name!r}", table)
        if "url" not in own:
            raise UsageError(f"{where}: it has no url")
        of = _words("groups", [own])
        missing = [group for group in of if group not in groups]
        if missing:
            raise UsageError(f"{where}: there is no [groups.{missing[0]}]")
        layers = [*around, *(groups[group] for group in of), own]
        merged: _Found = reduce(lambda found, layer: found | layer, layers, {})
        paths = _words("paths", [merged]) or [SUITES_FOLDER]
        return Target(
            name=name,
            settings=from_sources({key: merged[key] for key in merged if key not in _NOT_SETTINGS}),
            paths=tuple(self.file.parent / path for path in paths),
            tags=frozenset(_words("tags", layers)),
        )

    def _value(self, where: str, key: str, value: Any) -> Any:
        if not (isinstance(value, dict) and set(value) == {"env"}):
            return value
        name = value["env"]
        if not isinstance(name, str) or not self.environ.get(name):
            raise UsageError(f"{where}: {key}: the environment has no {name}")
        return readable(self.environ[name], f"{where}: {key}: {name}")


def _said_of_all(environ: Mapping[str, str]) -> _Found:
    """What the environment says of all targets; a URL is of one alone."""
    found = from_environment(environ)
    found.pop("url", None)
    return found


def _refuse(where: str, found: _Found, keys: tuple[str, ...]) -> None:
    for key in keys:
        if key in found:
            raise UsageError(f"{where}: {key}: only a target has it")


def _words(key: str, layers: list[_Found]) -> list[str]:
    """All words that some layers have under a key."""
    return [word for layer in layers if key in layer for word in convert(key, layer[key], _Words)]


def _table(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where}: expected a table")
    return value
