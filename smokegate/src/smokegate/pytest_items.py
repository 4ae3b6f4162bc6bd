"""Suites and checks as pytest's nodes, and the one run behind them."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import format_exc
from typing import Any, NoReturn

import pytest
from _pytest.skipping import evaluate_skip_marks  # the one place that knows skipif's conditions

from smokegate import engine, gate, settings
from smokegate.checks import Check, Suite, checks_of
from smokegate.errors import UsageError
from smokegate.history import NOWHERE
from smokegate.reports import failure, lines, verdict_line
from smokegate.reports.files import write_json
from smokegate.results import CheckResult, JudgedRun, Outcome, from_json, to_json
from smokegate.streams import say_at_once

_POLL_S = 0.05
_FAILED = ".failed"


class NotPassed(Exception):
    """A check that failed, is blocked, or could not tell."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(lines(result.reason))
        self.result = result


class SuiteNode(pytest.Collector):
    """A suite class."""

    def __init__(self, *, suite: type[Suite], door: Door, **node: Any) -> None:
        super().__init__(**node)
        self.suite = suite
        self.door = door

    def collect(self) -> list[pytest.Item]:
        """Give the checks in the order in which they are written."""
        try:
            checks = checks_of(self.suite)
        except UsageError as error:
            raise self.CollectError(str(error)) from None
        self.door.suites.append(self.suite)
        return [
            CheckItem.from_parent(self, name=check.name, check=check, door=self.door)
            for check in checks
        ]


class CheckItem(pytest.Item):
    """One check; what it reports comes from the run that all checks share."""

    def __init__(self, *, check: Check, door: Door, **node: Any) -> None:
        super().__init__(**node)
        self.check = check
        self.door = door
        marks: list[pytest.Mark] = list(getattr(check.function, "pytestmark", []))
        marks += getattr(check.suite_class, "pytestmark", [])
        self.own_markers.extend(marks)
        self.keywords.update((mark.name, mark) for mark in marks)

    @property
    def is_left_out(self) -> bool:
        """Whether a mark of pytest's own skips it."""
        return evaluate_skip_marks(self) is not None

    def setup(self) -> None:
        """Run the engine if nobody has; what it could not tell is an error, not a failure."""
        result = self.door.result_of(self)
        if result.outcome is Outcome.UNKNOWN:
            raise NotPassed(result)
        if result.outcome is Outcome.SKIPPED:
            raise pytest.skip.Exception(lines(result.reason), _use_item_location=True)

    def runtest(self) -> None:
        """Report the check's outcome."""
        result = self.door.result_of(self)
        if result.outcome in (Outcome.FAILED, Outcome.BLOCKED):
            raise NotPassed(result)
        if result.outcome is Outcome.WARNED:
            self._warn(result)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Say where the check stands."""
        name = f"{self.check.suite_class.__name__}.{self.name}"
        return self.check.file, self.check.line - 1, name

    def describe(self, result: CheckResult, run: JudgedRun) -> str:
        """Give the reason, the evidence, and the check's own traceback as `--tb` wants it."""
        tb = self.config.getoption("tbstyle")
        if tb in ("no", "line"):
            return lines(f"{self.check.file}:{self.check.line}: {result.reason}")
        trace = result.attempts[-1].traceback if result.attempts else ""
        parts = [failure(run, result), lines(trace) if tb in ("long", "auto", "native") else ""]
        return "\n".join(part for part in parts if part)

    def _warn(self, result: CheckResult) -> None:
        """Show a warning in the summary; no filter may turn it into a failure."""
        for text in result.warnings or [result.reason]:
            message = warnings.WarningMessage(
                UserWarning(lines(text)), UserWarning, str(self.check.file), self.check.line
            )
            self.ihook.pytest_warning_recorded.call_historic(
                kwargs={
                    "warning_message": message,
                    "when": "runtest",
                    "nodeid": self.nodeid,
                    "location": None,
                }
            )


class Door:
    """The run behind the items of one pytest session."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._settings: settings.Settings | None = None
        self._items: list[CheckItem] = []
        self._plan: engine.Plan | None = None
        self._results: dict[str, CheckResult] = {}
        self._failure: BaseException | None = None
        self.suites: list[type[Suite]] = []
        self.run: JudgedRun | None = None
        self._troubles: list[str] = []  # of those who want to know of the run

    def plan(self, session: pytest.Session) -> None:
        """Plan the selected checks; raises `pytest.UsageError` where `run` would exit 2."""
        self._items = [each for each in session.items if isinstance(each, CheckItem)]
        wanted = {each.check.id for each in self._items if not each.is_left_out}
        if not wanted:
            return
        try:
            self._settings = settings.load({}, os.environ, self._config.rootpath)
            gate.refuse_no_target(self._settings)
            gate.refuse_unreadable_authority(self._settings.ca_file)
            self._plan = engine.plan(
                list(dict.fromkeys(self.suites)),
                self._settings,
                broken=[],
                select=lambda check: check.id in wanted,
                narrowed=not all(Path(arg).is_dir() for arg in self._config.args),
            )
        except UsageError as error:
            raise pytest.UsageError(f"smokegate: {error}") from None

    def result_of(self, item: CheckItem) -> CheckResult:
        """The result of an item's check; the first call runs them all."""
        if self._failure is not None:
            raise self._failure
        if self.run is None:
            try:
                self.run = self._verify()
            except BaseException as error:
                self._failure = error  # once is enough: another run would make accounts again
                raise
            self._results = {result.id: result for result in self.run.checks}
            if self.run.interrupted:
                pytest.exit(verdict_line(self.run), returncode=pytest.ExitCode.INTERRUPTED)
        return self._results[item.check.id]

    def complete(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        """Put the check's own duration and output into a report."""
        if not isinstance(item, CheckItem):
            return
        result = self._results.get(item.check.id)
        decides = call.when == "call" or (call.when == "setup" and not report.passed)
        report.duration = result.duration_s if result and decides else 0.0
        if result is None or not decides or self.run is None:
            return
        if call.excinfo is not None and isinstance(call.excinfo.value, NotPassed):
            report.longrepr = item.describe(result, self.run)
        if result.attempts and result.attempts[-1].output:
            report.sections.append(("Captured stdout call", lines(result.attempts[-1].output)))

    def conclusion(self) -> str:
        """The verdict in one line, and one for each probe that did not pass: they are no items."""
        if self.run is None:
            return ""
        probes = [f"{probe.id}: {lines(probe.reason)}" for probe in self._failed_probes()]
        troubles = [f"smokegate: {each}" for each in self._troubles if each]
        return "\n".join([verdict_line(self.run), *probes, *troubles])

    @property
    def fails(self) -> bool:
        """Whether something failed that no item tells."""
        return bool(self._failed_probes())

    def _failed_probes(self) -> list[CheckResult]:
        probes = self.run.probes if self.run else []
        return [each for each in probes if each.outcome in (Outcome.FAILED, Outcome.UNKNOWN)]

    def _verify(self) -> JudgedRun:
        assert self._settings is not None  # noqa: S101 - made in plan
        assert self._plan is not None  # noqa: S101 - made in plan
        plan, configured = self._plan, self._settings
        suites = sorted({str(item.check.file.parent) for item in self._items})

        def verify() -> JudgedRun:
            run = gate.verify(
                configured, lambda: plan, lambda _: None, suites=suites, give_up=self._give_up
            )
            self._publish(run, configured)
            return run

        worker: dict[str, Any] | None = getattr(self._config, "workerinput", None)
        if worker is None:
            return verify()
        limit_s = 2 * gate.longest_s(configured)  # others are told of the run as well
        return once_for_all_workers(worker["testrunuid"], verify, limit_s)

    def _publish(self, run: JudgedRun, configured: settings.Settings) -> None:
        for tell in (_export, _remember):
            try:
                self._troubles += tell(run, configured)
            except Exception:  # a bug there must not turn a verdict into none
                bug = f"a bug where others are told of the run; please report it\n{format_exc()}"
                self._troubles.append(bug)

    def _give_up(self, line: str) -> NoReturn:
        """End the whole session: a check blocks it, and pytest has no way around that."""
        capture = self._config.pluginmanager.getplugin("capturemanager")
        if capture is not None:
            capture.suspend_global_capture(in_=True)
        say_at_once(f"\nsmokegate: {line}")
        os._exit(pytest.ExitCode.INTERRUPTED)


def _export(run: JudgedRun, configured: settings.Settings) -> Iterator[str]:
    from smokegate.telemetry.exporting import export

    yield from export(run, configured)


def _remember(run: JudgedRun, configured: settings.Settings) -> Iterator[str]:
    if configured.history != NOWHERE:
        from smokegate.history.remembering import remember

        yield remember(run, configured).trouble


def once_for_all_workers(
    test_run: str, verify: Callable[[], JudgedRun], limit_s: float
) -> JudgedRun:
    """Let one worker process of a test run verify, and give its run to the others.

    The first to claim a file runs; the rest wait until its run lies beside the claim.
    """
    shared = Path(tempfile.gettempdir()) / f"smokegate-{os.getppid()}-{test_run}.json"
    try:
        os.close(os.open(shared.with_suffix(".claim"), os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return _await_run(shared, limit_s)
    try:
        run = verify()
    except BaseException:
        shared.with_suffix(_FAILED).touch(0o600)
        raise
    write_json(to_json(run), shared)
    return run


def forget_shared_runs(controller: int) -> None:
    """Remove what the workers of a controlling process shared."""
    for path in Path(tempfile.gettempdir()).glob(f"smokegate-{controller}-*"):
        path.unlink(missing_ok=True)


def _await_run(shared: Path, limit_s: float) -> JudgedRun:
    give_up = time.monotonic() + limit_s
    while not shared.exists():
        if shared.with_suffix(_FAILED).exists() or time.monotonic() > give_up:
            raise RuntimeError("the worker that runs the checks did not finish them")
        time.sleep(_POLL_S)
    return from_json(shared.read_bytes())
