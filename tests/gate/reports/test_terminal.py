from __future__ import annotations

import io
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from smokegate.engine import CheckFinished, RunStarted
from smokegate.reports.terminal import Terminal
from smokegate.reports.wording import SIGNS, verdict_line
from smokegate.results import JudgedRun, Outcome
from smokegate.seal import sealed

from tests.gate.golden import Golden
from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import is_command, is_harmless, poisoned, texts
from tests.gate.reports.screen import Screen

NO_COLOR = {"NO_COLOR": "1"}


def show(
    run: JudgedRun,
    stream: io.StringIO,
    *,
    verbose: bool = False,
    environ: Mapping[str, str] | None = None,
    finished: int | None = None,
) -> None:
    """Play a run as the engine would, with the first checks reported one by one."""
    terminal = Terminal(stream, verbose=verbose, environ=environ or {})
    checks = [(check.suite, check.id) for check in run.checks]
    terminal.listen(RunStarted(run.run_id, run.target, checks, run.partial, run.started_at))
    for check in run.checks[:finished]:
        terminal.listen(CheckFinished(check))
    terminal.finish(run)


def shown(run: JudgedRun, *, verbose: bool = False) -> str:
    stream = io.StringIO()
    show(run, stream, verbose=verbose)
    return stream.getvalue()


@pytest.mark.parametrize("name", runs.RUNS)
def test_a_log_reads_as_it_did(name: str, golden: Golden) -> None:
    golden(f"{name}/log.txt", shown(runs.RUNS[name]()))


@pytest.mark.parametrize("name", runs.RUNS)
@pytest.mark.parametrize("columns", [60, 120])
def test_a_terminal_reads_as_it_did(
    name: str, columns: int, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    screen = Screen()
    show(runs.RUNS[name](), screen)
    golden(f"{name}/terminal_{columns}.txt", "\n".join(screen.lines) + "\n")


def test_exchanges_read_as_they_did(golden: Golden) -> None:
    golden("rollback/log_verbose.txt", shown(runs.rollback(), verbose=True))


def test_a_terminal_shows_progress_in_place_and_nothing_of_it_in_the_end() -> None:
    screen = Screen()
    show(runs.rollback(), screen)
    assert any("11 of 11 running" in line for frame in screen.frames for line in frame)
    assert not any("running" in line for line in screen.lines if "test_api_server" not in line)


@pytest.mark.parametrize("stream", [io.StringIO, Screen])
@pytest.mark.parametrize("name", runs.RUNS)
def test_every_check_is_shown_once_with_its_sign(name: str, stream: type[io.StringIO]) -> None:
    run, out = runs.RUNS[name](), stream()
    show(run, out, finished=3)
    lines = out.lines if isinstance(out, Screen) else out.getvalue().split("\n")
    for check in run.checks:
        heads = [line for line in lines if line.startswith(f"{SIGNS[check.outcome]} {check.id} ")]
        assert len(heads) == 1


def test_the_verdict_is_the_last_block() -> None:
    for name in runs.RUNS:
        run = runs.RUNS[name]()
        assert shown(run).rpartition("\n\n")[2].startswith(verdict_line(run)[:60])


def test_one_cause_for_all_is_told_once_on_a_terminal() -> None:
    screen = Screen()
    show(runs.down(), screen)
    text = "\n".join(screen.lines)
    assert text.count("the service is not running") == 1
    assert "✗ 21 checks: connection refused" in text


def test_a_failure_is_explained_where_a_flaky_check_met_the_same_before() -> None:
    failed = next(each for each in runs.rollback().checks if each.outcome is Outcome.FAILED)
    flaky = msgspec.structs.replace(
        failed, id="health.flaky", outcome=Outcome.WARNED, flaky=True, failed_consequences=[]
    )
    stream = io.StringIO()
    show(parts.judged(flaky, failed), stream, finished=2)
    alone = io.StringIO()
    show(parts.judged(failed), alone, finished=1)
    for label in "likely", "next", "repeat":
        assert f"\n    {label} " in alone.getvalue()
        assert f"\n    {label} " in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "environ", "colored"),
    [
        (Screen, {}, True),
        (Screen, {"NO_COLOR": ""}, True),
        (Screen, NO_COLOR, False),
        (Screen, {"TERM": "dumb"}, False),
    ],
)
def test_colours_are_for_terminals_whose_reader_wants_them(
    stream: type[Screen], environ: dict[str, str], colored: bool
) -> None:
    screen = stream()
    show(runs.rollback(), screen, environ=environ)
    assert bool(screen.colors) is colored


def test_a_log_has_no_escape_sequence() -> None:
    assert "\x1b" not in shown(runs.rollback())


def test_a_log_in_ascii_is_complete() -> None:
    raw = io.BytesIO()
    run = runs.rollback()
    with io.TextIOWrapper(raw, encoding="ascii", newline="\n") as stream:
        terminal = Terminal(stream, environ={})
        terminal.finish(run)
        text = raw.getvalue().decode("ascii")
    assert "\nx health.test_database_connection" in text
    assert "+ health.test_api_server_running" in text


def test_verbose_shows_the_exchanges_of_checks_second_tries_and_resources() -> None:
    text = shown(runs.rollback(), verbose=True)
    assert (
        "    POST /api/auth/register → 500, 15 ms (dns 1.0, connect 2.0, tls 4.0, wait 8.0 ms), "
        "connection 0 (new), 192.0.2.10:443, HTTP/2\n" in text
    )
    assert "    second try: POST /api/lattices/7/pathfind" in text


@given(texts)
def test_nothing_that_the_target_sent_can_act(text: str) -> None:
    for name in ("rollback", "proceed", "interrupted"):
        run = poisoned(runs.RUNS[name](), text)
        log = shown(run, verbose=True)
        assert is_harmless(log)
        assert not any(is_command(line) for line in log.split("\n"))
        show(run, Screen(), verbose=True)  # which knows no escape sequence but ours


def test_a_closed_stream_does_not_end_the_run() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream, environ={})
    stream.close()
    terminal.finish(runs.rollback())


def test_the_seal_can_be_compared() -> None:
    run = sealed(runs.rollback(), "")
    assert run.seal is not None
    assert run.seal.head[:12] in shown(run)
