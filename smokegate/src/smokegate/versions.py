"""Versions as services tell them: which two are one, and which lie in a range.

No scheme is demanded. Numbers are compared where there are some; anything else is only the same or
not.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from itertools import zip_longest
from typing import NamedTuple

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # SHA-1, SHA-256
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,}")
# After a bare number only a sign begins the rest: 4e5f123 is a commit, 1.4rc1 a version.
_NUMBERED = re.compile(r"v?(\d{1,9}(?:\.\d{1,9})+|\d{1,9}(?=[-+]|$))(?!\d)", re.IGNORECASE)
_BOUND = re.compile(r"(>=|<=|==|!=|>|<)\s*(v?\d{1,9}(?:\.\d{1,9})*)")
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def same_version(one: str, other: str) -> bool:
    """Whether two names are of one version.

    A `v` before a number does not count, and a commit may be shortened to 7 digits or more beside
    its whole name.
    """
    if _plain(one) == _plain(other):
        return True
    short, whole = sorted((one.lower(), other.lower()), key=len)
    return bool(
        _COMMIT.fullmatch(whole) and _SHORT_COMMIT.fullmatch(short) and whole.startswith(short)
    )


def is_wanted(version: str, wanted: str) -> bool:
    """Whether a version is the one that is wanted; of which build counts only where that is said.

    What follows a `+` names the build (Semantic Versioning 2.0.0, 10).
    """
    if "+" not in wanted and _NUMBERED.match(version):
        version = version.partition("+")[0]
    return same_version(version, wanted)


def _plain(version: str) -> str:
    return version[1:] if re.match(r"[vV]\d", version) else version


class Bound(NamedTuple):
    """One end of a range."""

    comparison: str
    numbers: tuple[int, ...]

    def holds(self, numbers: tuple[int, ...]) -> bool:
        """Whether the numbers of a version are on the right side of it."""
        return _COMPARISONS[self.comparison](_order(numbers, self.numbers), 0)


def bounds_of(text: str) -> list[Bound]:
    """Read a range such as `>=1.4,<2`; raises `ValueError` for anything else."""
    found = [_BOUND.fullmatch(part.strip()) for part in text.split(",")]
    if not all(found):
        raise ValueError(f"{text!r} is no range")
    return [Bound(each[1], _numbers(each[2])) for each in found if each]


def outside(version: str, bounds: list[Bound]) -> Bound | None:
    """The first bound that a version does not keep; raises `ValueError` for one without numbers.

    Only its numbers count, and missing ones are 0: 2.0.0-rc1 is 2.
    """
    numbered = _NUMBERED.match(version)
    if not numbered or _COMMIT.fullmatch(version):
        raise ValueError(f"{version!r} has no numbers")
    numbers = _numbers(numbered[1])
    return next((each for each in bounds if not each.holds(numbers)), None)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.lstrip("vV").split(".")))


def _order(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Negative if the first is lower, positive if it is higher, 0 if they are the same."""
    pairs = zip_longest(one, other, fillvalue=0)
    return next((left - right for left, right in pairs if left != right), 0)
