"""`smokegate history` as it is asked, on each kind of database."""

from __future__ import annotations

import getpass
import io
import json
import random
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from smokegate.history.commands import run as answer
from smokegate.history.digest import check_digest, digest, suite_digest
from smokegate.history.looks import Looks
from smokegate.history.queries import RunLine, runs
from smokegate.history.queries import run as run_of
from smokegate.history.remembering import opened
from smokegate.history.rows import milliseconds
from smokegate.history.run_lines import list_lines, run_lines
from smokegate.history.store import Store
from smokegate.history.trend_lines import check_lines, digest_lines, suite_lines
from smokegate.results import Consequence, JudgedRun, Outcome, Timing
from smokegate.settings import Settings

from smokegate import cli
from tests.gate.golden import Golden
from tests.gate.history.conftest import empty_database
from tests.gate.history.histories import BEGIN_MS, History, Mark, stored, take_in
from tests.gate.history.postgres import DATABASES
from tests.gate.history.runs import failing, run
from tests.gate.reports.hostile import is_command, is_harmless, texts
from tests.gate.reports.screen import Screen
from tests.gate.samples import attempt, exchange, healthy, result, unmet

NOW = "2026-01-12T10:00:00Z"
DAY = 60 * 24


def some_days() -> History:
    """Eleven days, four runs on each, a deployment every third day, two of which went wrong."""
    luck = random.Random(7)
    history: History = []
    for number in range(44):
        minutes = number * DAY / 4
        version = f"1.{number // 12}.0"
        if number % 12 == 0:
            at_ms = BEGIN_MS + round((minutes - 4) * 60_000)
            history.append(Mark("production", "https://api.example.com", version, at_ms))
        history.append(_run(number, minutes, version, luck))
    return history


def _run(number: int, minutes: float, version: str, luck: random.Random) -> JudgedRun:
    asked = exchange(status=503, timing=Timing(wait_s=0.4))
    tried = attempt(unmet("status is 201", Consequence.SHARE, exchange=1), exchanges=(asked,))
    wrong = number in (13, 14, 30)
    flows = [
        result("login", duration_s=luck.lognormvariate(-2, 0.5)),
        result("search", duration_s=luck.lognormvariate(-1, 0.5)),
    ]
    if wrong:
        flows.append(result("order", Outcome.FAILED, attempts=[tried], reason="status is 201"))
    else:
        flows.append(result("order", Outcome.WARNED, flaky=number % 20 == 0))
    duration_s = luck.uniform(2, 9)
    return run(
        number,
        healthy(),
        *flows,
        minutes=minutes,
        run_id=f"202601{1 + number // 4:02}-{number % 4 * 6:02}0000-{number:06x}",
        version=version,
        duration_s=duration_s,
        tool="smokegate 0.1.0",
    )


def printed(url: str, *asked: str, **environ: str) -> str:
    """What a question prints where it is not a terminal."""
    stream = io.StringIO()
    arguments = cli.parser().parse_args(["history", *asked])
    assert answer(arguments, Settings(history=url), stream, environ) == 0
    return stream.getvalue()


def read(url: str, *asked: str) -> Any:
    return json.loads(printed(url, *asked, "--json"))


@pytest.fixture(scope="module", params=DATABASES)
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a history of some days, for tests that only read it."""
    url = empty_database(request, tmp_path_factory.mktemp("history"))
    with closing(opened(url)) as store:
        take_in(store, some_days())
    return url


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The command line; the first argument is the history to ask."""
    monkeypatch.chdir(tmp_path)

    def ask(url: str, *asked: str) -> int:
        monkeypatch.setenv("SMOKEGATE_HISTORY", url)
        return cli.main(["history", *asked])

    return ask


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_answers_read_as_they_did(known: str, golden: Golden, columns: int) -> None:
    looks = Looks(width=columns, color=False)
    since_ms = BEGIN_MS + 5
    with closing(Store(known)) as store, store.reading() as connection:
        page = runs(connection, limit=6)
        failed = run_of(connection, "20260104-060000-00000d")
        whole = digest(connection, environment="production", since_ms=since_ms)
        check = check_digest(connection, "workflows.order", since_ms=since_ms)
        suite = suite_digest(connection, "workflows", since_ms=since_ms)
    assert failed is not None
    answers = {
        "list": list_lines(page, looks),
        "show": run_lines(failed, looks),
        "trends": digest_lines(whole, NOW, looks),
        "trends_of_a_suite": suite_lines(suite, NOW, looks),
        "trends_of_a_check": check_lines(check, NOW, looks),
    }
    for name, lines in answers.items():
        there = [line.rstrip() for line in lines]
        golden(f"{name}_{columns}.txt", "\n".join(there) + "\n")
        too_wide = [line for line in there if len(line) > columns]
        assert not too_wide or columns < 80, too_wide


def test_colours_are_for_terminals_that_want_them(store: Store, url: str) -> None:
    take_in(store, [failing(1), run(2, minutes=1)])
    plain = printed(url, "list")
    assert "\x1b" not in plain
    screen = Screen()
    arguments = cli.parser().parse_args(["history", "list"])
    answer(arguments, Settings(history=url), screen, {"TERM": "xterm"})
    assert {"31", "32"} <= screen.colors
    without = Screen()
    answer(arguments, Settings(history=url), without, {"TERM": "xterm", "NO_COLOR": "1"})
    assert not without.colors
    assert "\n".join(without.lines) == "\n".join(screen.lines)


def test_runs_are_listed_page_by_page(known: str) -> None:
    first = read(known, "list", "--limit", "30")
    then = read(known, "list", "--limit", "30", "--before", first["next_before"])
    assert len(first["runs"] + then["runs"]) == 44
    assert then["next_before"] == ""
    assert set(first["runs"][0]) == set(RunLine.__struct_fields__)
    rollbacks = read(known, "list", "--verdict", "investigate", "--environment", "production")
    assert [each["version"] for each in rollbacks["runs"]] == ["1.2.0", "1.1.0", "1.1.0"]
    assert read(known, "list", "--since", "1d")["runs"] == []


def test_a_run_is_shown_by_how_its_id_begins(known: str) -> None:
    assert read(known, "show", "20260104-06")["run"]["action"] == "investigate"
    assert read(known, "show")["run"]["run_id"] == "20260111-180000-00002b"
    shown = printed(known, "show", "20260104-06")
    assert "✗ workflows.order   failed" in shown
    assert "status is 201, but was otherwise (GET /things?page=2)" in shown
    assert "400 ms  GET /things: 503, workflows.order" in shown


def test_trends_have_every_measure(known: str) -> None:
    found = read(known, "trends", "--since", "2026-01-01")
    assert found["whole"]["verdicts"] == {"proceed": 41, "investigate": 3}
    assert found["whole"]["opened"] == pytest.approx(
        {"part": 41, "total": 44, "value": 41 / 44, "low": 0.8178, "high": 0.9765}, abs=1e-4
    )
    assert len(found["days"]) == 11
    assert found["detection"]["detected"]["total"] == 4 - 1, "the first was in the year before"
    assert [each["check"] for each in found["flakiest"]] == ["workflows.order"]
    assert [each["version"] for each in found["versions"]] == ["1.3.0", "1.2.0", "1.1.0", "1.0.0"]
    assert found["versions"][1]["opened"]["part"] == 11
    assert [each["environment"] for each in found["environments"]] == ["production"]
    assert {each["suite"]: each["total"] for each in found["suites"]} == {
        "health": 44,
        "workflows": 132,
    }
    suite = read(known, "trends", "--suite", "workflows", "--since", "2026-01-01")
    assert (suite["suite"], suite["whole"]["total"], len(suite["days"])) == ("workflows", 132, 11)
    assert [each["check"] for each in suite["flakiest"]] == ["workflows.order"]
    assert {each["check"].partition(".")[0] for each in suite["slowest"]} == {"workflows"}
    assert read(known, "trends", "--suite", "health", "--since", "2026-01-01")["flakiest"] == []
    check = read(known, "trends", "order", "--since", "2026-01-01")
    assert [each["pass_rate"]["total"] for each in check["versions"]] == [8, 12, 12, 12]
    assert check["check"] == "workflows.order"
    assert (check["whole"]["total"], check["whole"]["failed"]) == (44, 3)
    assert check["flips"]["part"] == 4


def test_whoever_deploys_says_so(store: Store, url: str) -> None:
    alarm = failing(1, minutes=5, version="2.0.0", target="https://a.example/api")
    take_in(store, [run(0, version="1.0.0"), alarm])
    there = ("deployed", "2.0.0", "--environment", "production", "--at", "2026-01-01T01:00+01:00")
    said = (
        "version 2.0.0 was deployed to https://a.example/api (production) at 2026-01-01T00:00:00Z"
    )
    for _ in "twice":
        assert printed(url, *there, "--url", "https://a.example/api/") == said + "\n"
    deployed = read(url, "trends", "--since", "2026-01-01")["deployments"]
    assert [(each["version"], each["source"], each["detected_after_s"]) for each in deployed] == [
        ("2.0.0", "marked", 302),
        ("1.0.0", "sighted", None),
    ]
    began_ms = int(time.time()) * 1000
    now = read(url, "deployed", "3.0.0", "--url", "https://a.example")
    assert (now["environment"], now["target"]) == ("production", "https://a.example")
    assert began_ms <= milliseconds(now["deployed_at"]) <= time.time() * 1000


def test_a_label_changes_the_measure(store: Store, url: str) -> None:
    take_in(store, some_days())
    alarm = "20260104-060000-00000d"
    assert printed(url, "label", alarm[:11], "false-alarm", "--note", "a clock") == (
        f"run {alarm} is labelled false-alarm\n"
    )
    assert read(url, "trends", "--since", "2026-01-01")["false_alarms"]["share"]["part"] == 1
    assert read(url, "show", alarm)["author"] == getpass.getuser()
    assert (read(url, "show", alarm)["note"], read(url, "list", "--limit", "99")["runs"][30]) == (
        "a clock",
        {**read(url, "show", alarm)["run"], "label": "false-alarm"},
    )
    assert read(url, "label", alarm, "none") == {"run_id": alarm, "label": ""}
    assert read(url, "trends", "--since", "2026-01-01")["false_alarms"]["share"]["total"] == 0


def test_pruning_can_be_tried(store: Store, url: str) -> None:
    take_in(store, some_days())
    before = "2026-01-03"
    found = {"before": "2026-01-03T00:00:00Z", "runs": 8, "removed": 0}
    assert read(url, "prune", "--older-than", before, "--dry-run") == found
    assert read(url, "prune", "--older-than", before) == {**found, "removed": 8}
    assert printed(url, "prune", "--older-than", before).startswith("0 runs that began before ")
    assert len(read(url, "list", "--limit", "99")["runs"]) == 36
    assert len(read(url, "trends", "--since", "2026-01-01")["days"]) == 11, "these stay"


def test_an_empty_history_is_no_error(store: Store, url: str) -> None:
    assert "no run in " in printed(url, "list")
    assert "every environment: " in printed(url, "trends")
    assert read(url, "list") == {"runs": [], "next_before": ""}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("show 2027", "history: there is no run that begins with '2027'"),
        ("show 202601", "history: there is more than one run that begins with '202601': 20260101-"),
        ("show 20260104-06 --environment production", "leave out RUN"),
        ("show --environment staging", "that fits"),
        ("list --before 2027", "there is no run that begins with '2027'"),
        ("trends nothing", "history: there is no check with 'nothing' in its id"),
        ("trends workflows", "more than one check with 'workflows' in its id: workflows.login, "),
        ("trends --suite other", "no suite 'other': there are health, workflows"),
        ("trends order --suite workflows", "leave out --suite"),
        ("label 2027 missed", "there is no run"),
        ("label 20260104-06 missed", "only a verdict that opened the gate"),
        ("list --environment=", "--environment is empty"),
        ("deployed 1.0", "no target: set PRODUCTION_URL or give --url"),
        ("deployed 1.0 --url example.com", "must begin with http://"),
        ("deployed 1.0 --url http://x --environment=", "--environment is empty"),
        ("deployed 1.0 --url http://x --at 9998-01-01", "9998-01-01T00:00:00Z has not come yet"),
        ("label 20260104-06 true-alarm --note=", "--note is empty"),
        ("deployed 1.0\x1b[31m --url http://x", "control characters"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    known: str, main: Any, capsys: pytest.CaptureFixture[str], asked: str, said: str
) -> None:
    assert main(known, *asked.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("smokegate: ")
    assert err.count("\n") == 1


def test_an_empty_run_is_said(known: str, main: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(known, "show", "") == 2
    assert "RUN is empty" in capsys.readouterr().err


def test_a_history_that_cannot_be_read_exits_30(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no.db").write_bytes(b"notes " * 1_000)
    for url, said in (
        (f"sqlite:///{tmp_path / 'no.db'}", "not a database"),
        ("postgresql://u:hunter22@127.0.0.1:1/d", "refused"),
        ("mysql://u@h/d", "neither sqlite nor postgresql"),
    ):
        monkeypatch.setenv("SMOKEGATE_HISTORY", url)
        assert cli.main(["history", "list"]) == 30
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
        assert "hunter22" not in err


def test_where_nothing_is_remembered_nothing_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMOKEGATE_HISTORY", "none")
    assert cli.main(["history", "trends"]) == 2
    assert "nothing is remembered" in capsys.readouterr().err


@pytest.mark.sampled(1)
@settings(stored, max_examples=10)
@given(texts)
def test_what_a_target_sent_stays_text(store: Store, url: str, text: str) -> None:
    failed = attempt(unmet(text, exchange=1), exchanges=(exchange(url=f"https://x/{text}"),))
    up = result("up", Outcome.FAILED, suite="health", attempts=[failed])
    hostile = run(1, up, environment=text, version=text, target=text, tool=text)
    take_in(store, [hostile])
    january = ("trends", "--since", "2026-01-01")
    for asked in ["list"], ["show"], january, [*january, "--suite", "health"], [*january, "up"]:
        for line in printed(url, *asked).split("\n"):
            assert is_harmless(line)
            assert not is_command(line)
    assert read(url, "show")["run"]["action"] == "rollback"
    assert printed(url, "show", "--json").isascii()
