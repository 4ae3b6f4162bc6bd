import html
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from smokegate.reports.github import (
    annotations,
    outputs,
    publish,
    publish_rollback,
    step_summary,
)
from smokegate.results import JudgedRun, Outcome
from smokegate.seal import sealed

from tests.gate.golden import Golden
from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import is_harmless, poisoned, texts

COMMAND = re.compile(r"::(error|warning|notice) title=([^:,\n\r]*)::([^\n\r]*)")


def read_outputs(text: str) -> dict[str, str]:
    """Read a step's outputs as GitHub's runner does."""
    values, lines = {}, iter(text.split("\n"))
    for line in lines:
        if line:
            name, mark, delimiter = line.partition("<<")
            assert mark
            value = []
            while (part := next(lines)) != delimiter:
                value.append(part)
            values[name] = "\n".join(value)
    return values


@pytest.mark.parametrize("name", runs.RUNS)
def test_annotations_and_summary_read_as_they_did(name: str, golden: Golden) -> None:
    run = runs.RUNS[name]()
    golden(f"{name}/annotations.txt", "\n".join(annotations(run)) + "\n")
    golden(f"{name}/step_summary.md", step_summary(run))


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("proceed", "notice"),
        ("monitor", "warning"),
        ("investigate", "error"),
        ("rollback", "error"),
        ("inconclusive", "error"),
    ],
)
def test_the_verdict_is_the_first_annotation(name: str, level: str) -> None:
    first = annotations(runs.RUNS[name]())[0]
    assert first.startswith(f"::{level} title=smokegate::{name.upper()}: ")


def test_what_decided_is_an_error_and_the_rest_a_warning() -> None:
    _, first, second = annotations(runs.investigate())
    assert first.startswith("::error title=health.test_security_headers::")
    assert second.startswith("::warning title=workflows.test_user_login_flow::")


def test_annotations_are_escaped_by_the_rules_of_the_runner() -> None:
    check = parts.failed(parts.HEALTH[0], parts.exchange(), "100%\r\nof it", "a, b: c")
    line = annotations(parts.judged(check))[1]
    assert "100%25%0Aof it" in line
    assert "a, b: c" in line
    assert "\n" not in line


def test_annotations_are_capped_and_say_so() -> None:
    many = [parts.failed(each, parts.exchange(), each, "no") for each in parts.TITLES]
    lines = annotations(parts.judged(*many))
    assert len(lines) == 10
    assert lines[-1].endswith("%0A(and 12 more causes, in the step summary)")


def test_one_cause_is_one_annotation() -> None:
    assert len(annotations(runs.down())) == 2


def test_the_step_summary_stays_below_its_limit_and_says_what_it_left_out() -> None:
    huge = [
        parts.failed(each, parts.exchange(), each + "<" * 900, ">" * 900) for each in parts.TITLES
    ]
    run = parts.judged(*huge)
    text = step_summary(run, 20_000)
    assert len(text.encode()) <= 20_000
    assert "did not fit" in text
    assert text.count("<details>") == text.count("</details>")
    assert "did not fit" not in step_summary(run)
    assert step_summary(run, 0) == ""


def test_outputs_hold_what_a_later_step_decides_by() -> None:
    values = read_outputs(outputs(runs.monitor()))
    assert values["verdict"] == "monitor"
    assert values["exit-code"] == "0"
    assert values["partial"] == "false"
    assert values["run-id"] == "20250131-235958-c0ffee"
    strict = parts.judged(runs.monitor().checks[18], settings={"strict": True})
    assert read_outputs(outputs(strict))["exit-code"] == "5"


def test_every_output_is_documented() -> None:
    reference = Path(__file__).parents[3] / "docs" / "reference.md"
    table = reference.read_text(encoding="utf-8").partition("## In GitHub Actions")[2]
    documented = re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)
    assert documented == list(read_outputs(outputs(runs.monitor())))
    for name in "rolled-back-to", "rollback-helped":
        assert f"`{name}`" in table


@pytest.mark.parametrize(
    ("name", "helped", "level", "words"),
    [
        ("proceed", "true", "warning", "it helped"),
        ("rollback", "false", "error", "it did not help"),
        ("inconclusive", "false", "error", "whether it helped is not known"),
    ],
)
def test_a_rollback_is_told_with_what_came_of_it(
    name: str, helped: str, level: str, words: str, tmp_path: Path
) -> None:
    summary, output, stream = tmp_path / "summary", tmp_path / "output", io.StringIO()
    environ = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
    publish_rollback("1.0_x", runs.RUNS[name](), environ, stream)
    told = read_outputs(output.read_text())
    assert told == {"rolled-back-to": "1.0_x", "rollback-helped": helped}
    line = stream.getvalue()
    assert line.startswith(f"::{level} title=smokegate::Rolled back to version 1.0_x: {words}. ")
    assert summary.read_text().startswith(f"**Rolled back to version 1.0\\_x\\: {words}. ")


def test_no_two_delimiters_are_the_same() -> None:
    delimiters = re.findall(r"<<(\S+)", outputs(runs.monitor()) + outputs(runs.monitor()))
    assert len(set(delimiters)) == len(delimiters)


def test_publish_appends_to_what_other_steps_wrote(tmp_path: Path) -> None:
    summary, output, stream = tmp_path / "summary", tmp_path / "output", io.StringIO()
    summary.write_text("before\n")
    output.write_text("a=b\n")
    environ = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(output)}
    publish(runs.rollback(), environ, stream)
    assert summary.read_text().startswith("before\n## ROLLBACK")
    assert output.read_text().startswith("a=b\nverdict<<")
    assert stream.getvalue().split("\n")[0].startswith("::error title=smokegate::ROLLBACK")


def test_publish_counts_what_stands_in_the_summary_already(tmp_path: Path) -> None:
    summary = tmp_path / "summary"
    summary.write_bytes(b"x" * 995_000)
    publish(runs.rollback(), {"GITHUB_STEP_SUMMARY": str(summary)}, io.StringIO())
    assert 995_000 < summary.stat().st_size < 1_000_001
    assert b"did not fit" in summary.read_bytes()


def test_what_cannot_be_appended_is_said(tmp_path: Path) -> None:
    stream = io.StringIO()
    publish(runs.proceed(), {"GITHUB_OUTPUT": str(tmp_path / "gone" / "output")}, stream)
    last = stream.getvalue().strip().split("\n")[-1]
    assert last.startswith("::warning title=smokegate::GITHUB_OUTPUT was not written: ")


def test_without_githubs_files_only_annotations_are_printed() -> None:
    stream = io.StringIO()
    publish(runs.proceed(), {}, stream)
    assert stream.getvalue().count("\n") == 1


@given(texts)
def test_nothing_that_the_target_sent_can_act(text: str) -> None:
    for name in ("rollback", "proceed", "interrupted"):
        run = poisoned(runs.RUNS[name](), text)
        _annotations_are_only_ours(run)
        _markdown_has_no_meaning(run)
        assert set(read_outputs(outputs(run))) == {
            "verdict", "reason", "partial", "exit-code", "run-id",
        }  # fmt: skip


def _annotations_are_only_ours(run: JudgedRun) -> None:
    for line in annotations(run):
        match = COMMAND.fullmatch(line)
        assert match
        assert is_harmless(line)


def _markdown_has_no_meaning(run: JudgedRun) -> None:
    text = step_summary(run)
    tags = {"<details>", "<summary>", "<code>", "</code>", "</summary>", "<pre>", "</pre>"}
    assert set(re.findall(r"<[^>]*>", text)) <= {*tags, "</details>"}
    assert is_harmless(text)
    outside = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    assert not re.search(r"(?<!\\)[\[\]`~]", html.unescape(outside))
    rows = [line for line in outside.split("\n") if line.startswith("|")]
    assert len(rows) == len(run.checks) + 2
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)


def test_warned_and_skipped_checks_say_why_in_the_table() -> None:
    run = runs.proceed()
    assert {check.outcome for check in run.checks} >= {Outcome.WARNED, Outcome.SKIPPED}
    text = step_summary(run)
    assert "Redis is not configured" in text
    assert "Permissions\\-Policy" in text


def test_a_title_cannot_end_before_its_end() -> None:
    check = parts.failed("health.test[a: b, c::d]", parts.exchange(), "it is", "not")
    line = annotations(parts.judged(check, only=[check.id]))[1]
    assert line.startswith("::error title=health.test[a%3A b%2C c%3A%3Ad]::GET /health: ")


def test_the_seal_can_be_compared() -> None:
    run = sealed(runs.rollback(), "")
    assert run.seal is not None
    assert f"run {run.run_id}, seal {run.seal.head[:12]}" in step_summary(run)
