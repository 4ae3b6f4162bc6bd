"""pytest's door: the checks of suites as items, run by the engine all at once.

The first item that is run starts the engine for all that were selected; every item then reports
its own outcome. A project without suites pays for this import and nothing else, so whatever is
needed beyond pytest itself is imported when the first suite turns up.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from smokegate.pytest_items import Door


class Registered:
    """What the plugin keeps for a session: nothing, until there is a suite."""

    def __init__(self) -> None:
        self.door: Door | None = None


_REGISTERED = pytest.StashKey[Registered]()


def pytest_configure(config: pytest.Config) -> None:
    """Make room for the session's door."""
    config.stash[_REGISTERED] = Registered()


def _door(config: pytest.Config) -> Door | None:
    return config.stash[_REGISTERED].door


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Collector, name: str, obj: object
) -> pytest.Collector | None:
    """Take the suites of a module; everything else is left to pytest."""
    checks = sys.modules.get("smokegate.checks")
    if checks is None or not checks.is_suite(obj) or not isinstance(collector, pytest.Module):
        return None
    if getattr(obj, "__module__", "") != collector.obj.__name__:
        return None
    from smokegate.pytest_items import Door, SuiteNode

    registered = collector.config.stash[_REGISTERED]
    registered.door = registered.door or Door(collector.config)
    node: pytest.Collector = SuiteNode.from_parent(
        collector, name=name, suite=obj, door=registered.door
    )
    return node


def pytest_collection_finish(session: pytest.Session) -> None:
    """Plan what was selected; without a target there is nothing to run."""
    door = _door(session.config)
    if door is not None and not session.config.getoption("collectonly"):
        door.plan(session)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give a check's report the duration and the output that the check itself had."""
    report = yield
    door = _door(item.config)
    if door is not None:
        door.complete(item, call, report)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the run of a worker process to the one that prints; a failed probe fails the session."""
    door = _door(session.config)
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if door is not None and door.run is not None and output is not None:
        output["smokegate_conclusion"] = door.conclusion()
        output["smokegate_fails"] = door.fails
    fails = door.fails if door is not None else session.config.stash.get(_FAILS, False)
    if fails and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if session.config.stash.get(_LINES, ""):
        from smokegate.pytest_items import forget_shared_runs

        forget_shared_runs(os.getpid())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001 - the hook's signature
    """Take the conclusion from a worker process."""
    output: dict[str, Any] = getattr(node, "workeroutput", {})
    if output.get("smokegate_conclusion"):
        node.config.stash[_LINES] = output["smokegate_conclusion"]
        node.config.stash[_FAILS] = output["smokegate_fails"]


_LINES = pytest.StashKey[str]()
_FAILS = pytest.StashKey[bool]()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the verdict, and the probes that did not pass."""
    door = _door(config)
    line = config.stash.get(_LINES, "")
    if door is not None and door.run is not None:
        line = door.conclusion()
    if line:
        terminalreporter.section("smokegate")
        terminalreporter.write_line(line)
