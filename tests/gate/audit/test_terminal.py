from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from smokegate.audit.report import Audit
from smokegate.audit.terminal import show
from smokegate.reports.outlet import Outlet

from tests.gate.audit import audits
from tests.gate.golden import Golden
from tests.gate.reports.hostile import is_command, is_harmless, texts
from tests.gate.reports.screen import Screen

PLAIN = {"NO_COLOR": "1"}


def shown(audit: Audit, *, verbose: bool = False) -> str:
    stream = io.StringIO()
    show(audit, Outlet(stream), verbose=verbose, environ={})
    return stream.getvalue()


def on_screen(audit: Audit, environ: Mapping[str, str], *, verbose: bool = False) -> Screen:
    screen = Screen()
    show(audit, Outlet(screen), verbose=verbose, environ=environ)
    return screen


def test_an_audit_reads_as_it_did(golden: Golden) -> None:
    golden("log.txt", shown(audits.audit()))
    golden("log_verbose.txt", shown(audits.audit(), verbose=True))


@pytest.mark.parametrize("columns", [60, 80])
def test_it_keeps_within_a_narrow_terminal(
    columns: int, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = on_screen(audits.audit(), PLAIN).lines
    golden(f"terminal_{columns}.txt", "\n".join(lines) + "\n")
    assert all(len(line) <= columns for line in lines)


def test_nothing_at_all_is_not_a_full_score() -> None:
    text = shown(audits.empty())
    assert text.startswith("No score: there was no fault to try\n")
    assert "100%" not in text


def test_a_score_that_is_not_whole_never_reads_as_whole() -> None:
    nearly = msgspec.structs.replace(audits.audit(), score=0.999999)
    assert shown(nearly).startswith("Score 99.9%:")
    whole = msgspec.structs.replace(audits.audit(), score=1.0)
    assert shown(whole).startswith("Score 100%:")


def test_a_declared_fault_has_its_sign_and_who_caught_it() -> None:
    text = shown(audits.audit())
    assert f"  ✓ F41 a wrong password is accepted: {audits.LOGIN} → rollback\n" in text
    assert "  ✗ F58 a write is lost: nobody\n" in text


def test_what_is_left_out_is_no_idle_check() -> None:
    text = shown(audits.audit())
    assert re.search(r"health\.test_idle .* catches nothing\n", text)
    assert text.count("health.test_clock_skew") == 1


def _with_survivors(number: int) -> Audit:
    audit = audits.audit()
    survivor = audit.survivors[0]
    many = [
        msgspec.structs.replace(survivor, endpoint=f"GET /{n // 7}", write=f"line {n}")
        for n in range(number)
    ]
    return msgspec.structs.replace(audit, survivors=many)


@pytest.mark.parametrize("number", [1, 6, 13, 14, 15, 16, 500])
def test_at_most_fifteen_lines_say_what_to_write(number: int) -> None:
    def written(text: str) -> list[str]:
        _, _, rest = text.partition("What to write")
        return rest.partition("\n\n")[0].split("\n")[1:]

    audit = _with_survivors(number)
    lines = written(shown(audit))
    more = re.search(r"and ([\d,]+) more; -v", lines[-1])
    told = sum("line " in line for line in lines)
    assert len(lines) - bool(more) <= 15
    assert told + (int(more[1]) if more else 0) == number
    assert sum("line " in line for line in written(shown(audit, verbose=True))) == number


@pytest.mark.parametrize(
    ("environ", "colored"), [({}, True), (PLAIN, False), ({"TERM": "dumb"}, False)]
)
def test_colours_are_for_those_who_want_them(environ: dict[str, str], colored: bool) -> None:
    assert bool(on_screen(audits.audit(), environ).colors) is colored


def test_a_log_has_no_colours_and_can_be_in_ascii() -> None:
    assert "\x1b" not in shown(audits.audit())
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", newline="\n") as stream:
        show(audits.audit(), Outlet(stream), environ={})
        text = raw.getvalue().decode("ascii")
    assert "\n  + F41 a wrong password is accepted" in text
    assert "\n  x F58 a write is lost" in text
    assert "\n  ! headers added by a proxy" in text


_OURS = frozenset({"fate", "verdict", "consequence", "family"})


def poisoned(audit: Audit, text: str) -> Audit:
    """The audit with a text wherever one from outside could be, as names of things too."""

    def put(value: Any) -> Any:
        if isinstance(value, str):
            return text
        if isinstance(value, list):
            return [put(each) for each in value]
        if isinstance(value, dict):
            return {key: part if key in _OURS else put(part) for key, part in value.items()}
        return value

    built = put(msgspec.to_builtins(audit))
    for name in ("layers", "blind", "equivalent", "excluded", "single_catchers"):
        built[name] = {f"{text}{n}": part for n, part in enumerate(built[name].values())}
    poisoned_one: Audit = msgspec.convert(built, Audit)
    return poisoned_one


@given(texts)
def test_nothing_from_outside_can_act(text: str) -> None:
    audit = poisoned(audits.audit(), text)
    for verbose in (False, True):
        log = shown(audit, verbose=verbose)
        assert is_harmless(log)
        assert not any(is_command(line) for line in log.split("\n"))
        on_screen(audit, {}, verbose=verbose)  # which knows no escape sequence but ours
