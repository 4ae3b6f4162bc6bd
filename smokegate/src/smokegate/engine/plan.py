"""What a run will do: the checks that were selected, and what they need."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from smokegate.checks import (
    Check,
    Suite,
    checks_of,
    declared_settings,
    load_module,
    suite_files,
    suite_settings,
    suites_in,
)
from smokegate.engine.service_versions import bounds_in
from smokegate.errors import SuiteError
from smokegate.resources import Catalogue, catalogue_of
from smokegate.results import MissingSuite
from smokegate.settings import Settings, refuse_unknown

_BEFORE_A_NAME = frozenset({"not", "("})
_ABSENT = "no check of the suite {} was found; if there is to be none, leave it out of require"
_SYNTAX = _BEFORE_A_NAME | {"and", "or", ")"}


class Plan:
    """The checks of a run with their resources.

    `partial` says that checks were left out on purpose; `missing_suites` are required ones that
    gave none. `suites` tells by a digest which version of each suite it is.
    """

    def __init__(
        self,
        *,
        checks: list[Check],
        catalogue: Catalogue,
        settings_of_suites: dict[str, Any],
        missing_suites: list[MissingSuite],
        partial: bool,
    ) -> None:
        self.checks = checks
        self.catalogue = catalogue
        self.needed_by = catalogue.needed_by(checks)
        self.settings_of_suites = settings_of_suites
        self.missing_suites = missing_suites
        self.partial = partial
        self.suites = {
            suite: digest(check.file.parent for check in checks if check.suite == suite)
            for suite in dict.fromkeys(check.suite for check in checks)
        }


def digest(folders: Iterable[Path]) -> str:
    """SHA-256 of the names and bytes of all Python files in some folders, empty if unreadable."""
    found = hashlib.sha256()
    files = (file for folder in dict.fromkeys(folders) for file in folder.glob("*.py"))
    try:
        for file in sorted(files, key=lambda file: file.name):
            content = file.read_bytes()
            found.update(f"{file.name}\0{len(content)}\0".encode() + content)
    except OSError:
        return ""  # whatever it is, it cannot be compared
    return found.hexdigest()


def load(
    paths: list[Path],
    settings: Settings,
    *,
    suite: str = "",
    select: Callable[[Check], bool] | None = None,
) -> Plan:
    """Load the suites under some paths and select checks from them.

    A file that cannot be loaded makes its suite missing rather than the run impossible; a path
    that is not there, and a check that is put together wrongly, raise `SuiteError`.
    """
    return find(paths).plan(settings, suite=suite, select=select)


class Suites(NamedTuple):
    """The suites under some paths, loaded; `broken` says why others are not."""

    found: list[type[Suite]]
    broken: list[str]
    narrowed: bool

    def plan(
        self,
        settings: Settings,
        *,
        suite: str = "",
        select: Callable[[Check], bool] | None = None,
    ) -> Plan:
        """Plan a run of their checks, or of some of them."""
        return plan(
            self.found,
            settings,
            broken=self.broken,
            suite=suite,
            select=select,
            narrowed=self.narrowed,
        )


def find(paths: list[Path]) -> Suites:
    """Load the suites under some paths; see `load`."""
    found: list[type[Suite]] = []
    broken: list[str] = []
    for file in suite_files(paths):
        try:
            found += suites_in(load_module(file))
        except SuiteError as error:
            broken.append(str(error))
    return Suites(found, broken, _narrows(paths))


def plan(
    found: list[type[Suite]],
    settings: Settings,
    *,
    broken: list[str],
    suite: str = "",
    select: Callable[[Check], bool] | None = None,
    narrowed: bool = False,
) -> Plan:
    """Plan the checks of suites that are loaded; `broken` says why others are not."""
    declared = declared_settings(found)
    if not broken:
        refuse_unknown(settings.extra, declared)
    everything = [check for each in found for check in checks_of(each)]
    _refuse_twins(everything)
    for each in found:
        bounds_in(each)  # one that cannot be read is said before the run
    checks = [
        check
        for check in everything
        if suite in ("", check.suite) and (select is None or select(check))
    ]
    partial = narrowed or bool(suite) or len(checks) < len(everything)
    return Plan(
        checks=checks,
        catalogue=catalogue_of(checks),
        settings_of_suites=suite_settings(settings, declared),
        missing_suites=_missing(settings, checks, broken, partial=partial),
        partial=partial,
    )


def _missing(
    settings: Settings, checks: list[Check], broken: list[str], *, partial: bool
) -> list[MissingSuite]:
    """What cannot give its answer: files that do not load, suites without a check."""
    there = {check.suite for check in checks}
    absent: list[str] = [name for name in settings.require if name not in there]
    if broken:
        # Which suite a file would have held is not known; the one without a check is likely it.
        reason, unnamed = "; ".join(broken), ["suites"]
        return [MissingSuite(suite=name, reason=reason) for name in absent or unnamed]
    if partial:
        return []
    return [MissingSuite(suite=name, reason=_ABSENT.format(name)) for name in absent]


def _narrows(paths: list[Path]) -> bool:
    """Whether paths name files or check ids rather than whole folders of suites."""
    return any(path.is_file() for path in paths)


def _refuse_twins(checks: list[Check]) -> None:
    seen: dict[str, Check] = {}
    for check in checks:
        twin = seen.setdefault(check.id, check)
        if twin is not check:
            raise SuiteError(
                f"{check.file}:{check.line}: {check.id} is defined in {twin.file} already, by "
                f"{twin.suite_class.__name__}; a suite that others derive from belongs into a "
                "module that is not named test_*"
            )


def select_by_words(expression: str) -> Callable[[Check], bool]:
    """Read `-k` as pytest does: names joined by and, or, not and brackets, in any letter case.

    Raises `SuiteError` for anything else.
    """
    tokens = re.findall(r"\(|\)|[^\s()]+", expression)
    words = [token.lower() for token in tokens if token not in _SYNTAX]
    numbers = itertools.count()
    python = " ".join(t if t in _SYNTAX else f"names[{next(numbers)}]" for t in tokens)
    if tokens and not _is_in_order(tokens):
        raise _unreadable(expression)
    try:
        code = compile(python or "True", "-k", "eval")
    except (SyntaxError, RecursionError, MemoryError):
        raise _unreadable(expression) from None

    def selects(check: Check) -> bool:
        text = f"{check.id} {check.suite_class.__name__} {check.file.name}".lower()
        names = [word in text for word in words]
        return bool(eval(code, {"names": names, "__builtins__": {}}))  # noqa: S307 - our own tokens

    return selects


def _is_in_order(tokens: list[str]) -> bool:
    """Whether names and operators take turns; brackets are left to the compiler."""
    wants_name = True
    for token in tokens:
        if (token in _BEFORE_A_NAME) is not wants_name and token in _SYNTAX:
            return False
        if token not in _SYNTAX and not wants_name:
            return False
        wants_name = token in _SYNTAX - {")"}
    return not wants_name


def _unreadable(expression: str) -> SuiteError:
    return SuiteError(f"-k {expression!r} cannot be read; write names with and, or, not")
