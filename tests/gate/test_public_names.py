"""The names that suites import, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import smokegate


@pytest.mark.parametrize("name", smokegate.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(smokegate, name) is not None


def test_public_names_are_these() -> None:
    homes = [name for names in smokegate._HOMES.values() for name in names]
    assert sorted(homes) == sorted(smokegate.__all__)


def test_another_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = smokegate.nothing_of_this_name


def test_the_package_alone_loads_nothing() -> None:
    code = "import sys, smokegate; print(*(m for m in sys.modules if m.startswith('smokegate')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["smokegate"]
