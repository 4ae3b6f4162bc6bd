"""What `make test` runs of it all: the quick form. `make test-all` runs everything.

    @pytest.mark.long          leaves a test to `make test-all`
    @pytest.mark.sampled(2)    leaves all but two of its cases there

Whoever names a test runs all of its cases.
"""

from __future__ import annotations

import gc

import pytest

# Thousands of tests stay in memory to the end: to look through them again and again for garbage
# would take a tenth of the time.
_COLLECT_AFTER = 20_000
gc.disable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run what make test-all runs")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: leave it to make test-all")
    config.addinivalue_line("markers", "sampled(cases): leave all but so many to make test-all")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for `make test-all`."""
    if config.option.whole or any("::" in argument for argument in config.args):
        return
    kept = _kept(items)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    gc.enable()


def _kept(items: list[pytest.Item]) -> set[pytest.Item]:
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if not item.get_closest_marker("long"):
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return {item for test in cases.values() for item in _sampled(test)}


def _sampled(cases: list[pytest.Item]) -> list[pytest.Item]:
    """So many cases as the test's mark says, from everywhere in their list."""
    mark = cases[0].get_closest_marker("sampled")
    most = min(mark.args[0], len(cases)) if mark else len(cases)
    return [cases[number * len(cases) // most] for number in range(most)]
