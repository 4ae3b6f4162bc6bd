"""Which names are of one version, and which versions lie in a range."""

from __future__ import annotations

import pytest
from smokegate.versions import bounds_of, is_wanted, outside, same_version

COMMIT = "3f786850e387550fdab836ed7e6dc881de23001b"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.4.2", "1.4.2"),
        ("v1.4.2", "1.4.2"),
        ("V2", "2"),
        ("release-7", "release-7"),
        (COMMIT, COMMIT[:7]),
        (COMMIT[:12], COMMIT),
        (COMMIT.upper(), COMMIT[:8]),
        (COMMIT + COMMIT[:24], COMMIT[:10]),
    ],
)
def test_they_are_one(one: str, other: str) -> None:
    assert same_version(one, other)
    assert same_version(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.4.2", "1.4.20"),
        ("1.4", "1.4.0"),
        ("1.4.2", "1.4.2-rc1"),
        ("vanilla", "anilla"),
        (COMMIT, COMMIT[:6]),
        (COMMIT, "0" + COMMIT[1:8]),
        (COMMIT[:7], COMMIT[:8]),  # neither is whole: they may be two builds' numbers
        ("20261129", "202611291"),
        (COMMIT, ""),
        ("", "1"),
    ],
)
def test_they_are_two(one: str, other: str) -> None:
    assert not same_version(one, other)
    assert not same_version(other, one)


@pytest.mark.parametrize(
    ("version", "wanted", "holds"),
    [
        ("1.4.2+5114f85", "1.4.2", True),
        ("1.4.2+5114f85", "1.4.2+5114f85", True),
        ("v1.4.2-rc1+5", "1.4.2-rc1", True),
        ("1.4.2", "1.4.2+5114f85", False),
        ("1.4.2+5114f85", "1.4.2+5114f86", False),
        ("1.4.20+5", "1.4.2", False),
        ("main+5", "main", False),
    ],
)
def test_of_which_build_it_is_counts_where_that_is_said(
    version: str, wanted: str, holds: bool
) -> None:
    assert is_wanted(version, wanted) is holds


@pytest.mark.parametrize(
    ("version", "text", "broken"),
    [
        ("1.4.0", ">=1.4,<2", ""),
        ("v1.10", ">=1.4,<2", ""),
        ("1.4-rc1", ">=1.4", ""),
        ("1.4rc1+build.5", ">=1.4", ""),
        ("1.3.9", ">=1.4,<2", ">="),
        ("2", ">=1.4, <2", "<"),
        ("2.0.0-rc1", "<2", "<"),
        ("1.4", "==1.4.0", ""),
        ("1.4.1", "==1.4", "=="),
        ("1.4.1", "!=v1.4.1", "!="),
        ("7", ">7", ">"),
        ("7.0.1", "<=7", "<="),
    ],
)
def test_numbers_are_compared_one_by_one(version: str, text: str, broken: str) -> None:
    bound = outside(version, bounds_of(text))
    assert (bound.comparison if bound else "") == broken


@pytest.mark.parametrize("version", [COMMIT, "4e5f123", "main", "", "release-7", "1." + "9" * 40])
def test_what_has_no_numbers_is_not_compared(version: str) -> None:
    with pytest.raises(ValueError, match="has no numbers"):
        outside(version, bounds_of(">=1"))


@pytest.mark.parametrize("text", ["1.4", "~=1.4", ">=1.4;<2", ">=", ">=1.x", "", ">=1,", "=>1"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no range"):
        bounds_of(text)
