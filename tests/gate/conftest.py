"""What all tests of smokegate share: asynchronous tests, and the same examples every time."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from smokegate.fault_proxy.certificates import Certificates

from tests.gate.golden import Golden, golden_in
from tests.gate.suite_folder import SuiteFolder, suite_folder
from tests.gate.virtual_clock import VirtualClockLoop
from tests.system.command import heed_interrupts

_EXAMPLES = 30
_ALL_EXAMPLES = 100

# Keeps a broken test from hanging the others; nothing is judged by it.
_GIVE_UP_S = 60.0


def pytest_configure(config: pytest.Config) -> None:
    heed_interrupts()
    os.environ["SMOKEGATE_HISTORY"] = "none"  # nothing that a test does is to be remembered
    config.addinivalue_line(
        "markers", "virtual_clock: run this asynchronous test in a loop whose time jumps"
    )
    examples = _ALL_EXAMPLES if config.getoption("whole") else _EXAMPLES
    # The same every time: a test that fails by luck tells nobody anything.
    settings.register_profile(
        "gate", max_examples=examples, deadline=None, derandomize=True, database=None
    )
    settings.load_profile("gate")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    if pyfuncitem.get_closest_marker("virtual_clock"):
        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            runner.run(pyfuncitem.obj(**arguments))
    else:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(_limited(pyfuncitem.obj, arguments))
    return True


async def _limited(test: Callable[..., Awaitable[None]], arguments: dict[str, object]) -> None:
    async with asyncio.timeout(_GIVE_UP_S):
        await test(**arguments)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority and what it issued, good and bad."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def suites(tmp_path: Path) -> Iterator[SuiteFolder]:
    """A folder of suites."""
    with suite_folder(tmp_path) as folder:
        yield folder


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the golden file of a name, beside the test."""
    return golden_in(request.path.parent / "golden")
