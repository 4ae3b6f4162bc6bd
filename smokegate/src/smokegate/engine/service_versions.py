"""For which versions of the service suites are, and a note where it serves another."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path

from smokegate.checks import Check, Suite
from smokegate.errors import SuiteError
from smokegate.versions import Bound, bounds_of, outside


def bounds_in(suite: type[Suite]) -> list[Bound]:
    """The bounds that a suite declares; `SuiteError` for what is no range."""
    declared = suite.service_versions
    try:
        return bounds_of(declared) if declared else []
    except (ValueError, TypeError, AttributeError):
        raise SuiteError(
            f"{inspect.getfile(suite)}: {suite.__qualname__}.service_versions: {declared!r} "
            'is no range such as ">=1.4,<2"'
        ) from None


def misfits(checks: Iterable[Check], version: str) -> list[str]:
    """A line for each suite with a check that is not for the version that is served."""
    suites = dict.fromkeys(check.suite_class for check in checks)
    return [note for suite in suites if (note := _note(suite, version))]


def _note(suite: type[Suite], version: str) -> str:
    bounds = bounds_in(suite)
    name = f"{suite.__qualname__} in {Path(inspect.getfile(suite)).name}"
    if not bounds or not version:
        return ""
    try:
        broken = outside(version, bounds)
    except ValueError:
        return f"{name} is for versions {suite.service_versions}; {version} has no number to tell"
    if not broken:
        return ""
    age = {"<": "older than", "<=": "older than", ">": "newer than", ">=": "newer than"}
    how = age.get(broken.comparison, "not for")
    return (
        f"{name} is for versions {suite.service_versions}, {how} {version} that is served: "
        "what it demands may not be what this version promises"
    )
