"""Suites: what counts as a check, how files are found and loaded, and what is said if not."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from smokegate.checks import (
    Check,
    Suite,
    checks_of,
    declared_settings,
    is_suite,
    load_module,
    parameters,
    suite_files,
    suite_settings,
    suites_in,
)
from smokegate.client import Client
from smokegate.errors import SuiteError, UsageError
from smokegate.results import Consequence
from smokegate.settings import Settings, Sourced

from smokegate import (
    HealthSuite,
    WorkflowSuite,
    consequence,
    deprecated,
    exclusive,
    owner,
    quarantine,
)
from tests.gate.suite_folder import SuiteFolder


def complaint(path: Path) -> str:
    with pytest.raises(SuiteError) as caught:
        load_module(path.resolve())
    return str(caught.value)


def test_a_check_says_all_about_itself() -> None:
    class Health(HealthSuite):
        @owner("payments")
        @deprecated(since="2.0")
        @exclusive(last=True)
        @consequence(Consequence.MONITOR)
        async def test_it(self, client: Client, account: object) -> None:
            """Its title.

            More about it.
            """

    check = checks_of(Health)[0]
    assert (check.id, check.suite, check.name) == ("health.test_it", "health", "test_it")
    assert check.title == "Its title."
    assert check.needs == ["client", "account"]
    assert check.consequence is Consequence.MONITOR
    assert (check.exclusive, check.last) == (True, True)
    assert (check.deprecated, check.owner) == ("2.0", "payments")
    assert check.file == Path(__file__)
    lines = Path(__file__).read_text().splitlines()
    assert "owner" in lines[check.line - 1] or "async def test_it" in lines[check.line - 1]


def test_what_a_check_says_by_default() -> None:
    class Health(HealthSuite):
        async def test_the_thing_works(self) -> None: ...

    class Workflows(WorkflowSuite):
        async def test_flow(self) -> None: ...

    health, flow = checks_of(Health)[0], checks_of(Workflows)[0]
    assert health.title == "the thing works"
    assert (health.consequence, flow.consequence) == (Consequence.ROLLBACK, Consequence.SHARE)
    assert (health.exclusive, health.deprecated, health.owner) == (False, "", "")


def test_checks_come_in_the_order_in_which_they_are_written() -> None:
    class Base(HealthSuite):
        async def test_c(self) -> None: ...
        async def test_b(self) -> None: ...
        async def helper(self) -> None: ...

    class Derived(Base):
        async def test_a(self) -> None: ...
        async def test_c(self) -> None: ...

    assert [check.name for check in checks_of(Derived)] == ["test_c", "test_b", "test_a"]


@pytest.mark.parametrize("value", [lambda _: None, 3, None, property(lambda _: None)])
def test_a_test_that_is_not_asynchronous_is_refused(value: object) -> None:
    suite = type("Health", (HealthSuite,), {"test_it": value, "__module__": __name__})
    with pytest.raises(SuiteError, match=r"Health\.test_it must be an async def"):
        checks_of(suite)


def test_only_workflows_count_in_a_share() -> None:
    class Health(HealthSuite):
        @consequence(Consequence.SHARE)
        async def test_it(self) -> None: ...

    with pytest.raises(SuiteError, match=r"test_checks\.py:\d+: only workflow checks count"):
        checks_of(Health)


def test_deriving_from_a_suite_is_what_makes_one() -> None:
    class Mine(HealthSuite): ...

    class NotMine:
        async def test_it(self) -> None: ...

    assert is_suite(Mine)
    assert not any(map(is_suite, (HealthSuite, WorkflowSuite, Suite, NotMine, 3, None)))


def test_parameters() -> None:
    async def function(first: int, *, second: int = 3) -> None:
        third = second
        assert first != third

    assert parameters(function) == ["first", "second"]


def test_each_attempt_has_an_instance_of_its_own() -> None:
    class Health(HealthSuite):
        async def test_it(self) -> None: ...

    check = Check(Health, "test_it")
    first, second = check.bind({}), check.bind({})
    assert getattr(first, "__self__") is not getattr(second, "__self__")  # noqa: B009


def declaring() -> type[HealthSuite]:
    """Give a suite with settings; at the top of this file pytest would run it as one."""

    class Declaring(HealthSuite):
        limit_s: float = 1.0
        names: tuple[str, ...] = ("a",)
        needed: str

        async def test_it(self) -> None: ...

    return Declaring


def bound_to(suite: type[HealthSuite], **extra: object) -> Any:
    settings = Settings(extra={key: Sourced(value, "x") for key, value in extra.items()})
    values = suite_settings(settings, declared_settings([suite]))
    bound: Any = Check(suite, "test_it").bind(values)
    return bound.__self__


def test_settings_of_suites_are_typed() -> None:
    suite: Any = declaring()
    bound = bound_to(suite, limit_s="0.5", names="b, c", needed="yes")
    assert (bound.limit_s, bound.names, bound.needed) == (0.5, ("b", "c"), "yes")
    assert (suite.limit_s, suite.names) == (1.0, ("a",))
    assert bound_to(suite).limit_s == 1.0


def test_a_setting_of_another_type_is_one_line() -> None:
    with pytest.raises(UsageError) as caught:
        bound_to(declaring(), limit_s="soon")
    assert str(caught.value) == "x: limit_s: expected a number, got text"


def test_declared_settings_are_those_of_the_suites_alone() -> None:
    assert declared_settings([declaring()]).keys() == {"limit_s", "names", "needed"}


def test_class_variables_and_private_names_are_no_settings(suites: SuiteFolder) -> None:
    path = suites.write(
        "test_it.py",
        """
        from typing import ClassVar

        class Health(HealthSuite):
            shared: ClassVar[dict[str, int]] = {}
            _hidden: int = 3
            shown: int = 3

            async def test_it(self): ...
        """,
    )
    assert declared_settings(suites_in(load_module(path))).keys() == {"shown"}


def test_an_annotation_that_cannot_be_resolved_is_named(suites: SuiteFolder) -> None:
    path = suites.write(
        "test_it.py",
        """
        class Health(HealthSuite):
            limit: "Nowhere" = 3
        """,
    )
    with pytest.raises(SuiteError, match=r"Health: .*Nowhere"):
        declared_settings(suites_in(load_module(path)))


def test_a_setting_must_not_hide_one_of_smokegate(suites: SuiteFolder) -> None:
    path = suites.write(
        "test_it.py",
        """
        class Health(HealthSuite):
            timeout_s: float = 3
        """,
    )
    with pytest.raises(SuiteError, match=r"Health\.timeout_s"):
        declared_settings(suites_in(load_module(path)))


def test_suites_in_a_module_are_its_own(suites: SuiteFolder) -> None:
    suites.write("base_suites.py", "class Base(HealthSuite): ...")
    path = suites.write(
        "test_it.py",
        """
        from base_suites import Base
        class Derived(Base): ...
        class Flow(WorkflowSuite): ...
        """,
    )
    assert [suite.__name__ for suite in suites_in(load_module(path))] == ["Derived", "Flow"]


def test_files_are_found(suites: SuiteFolder) -> None:
    one = suites.write("test_one.py", "")
    two = suites.write("deeper/test_two.py", "")
    suites.write("other.py", "")
    assert suite_files([suites.path]) == [two.resolve(), one.resolve()]
    assert suite_files([one, suites.path, one]) == [one.resolve(), two.resolve()]
    with pytest.raises(SuiteError, match=r"nowhere: no such file or folder"):
        suite_files([suites.path / "nowhere"])


def test_a_module_is_loaded_once(suites: SuiteFolder) -> None:
    path = suites.write("test_it.py", "class Health(HealthSuite): ...")
    assert load_module(path) is load_module(path)
    assert sys.modules["test_it"] is load_module(path)


def test_two_files_of_one_name_are_told_apart(suites: SuiteFolder) -> None:
    load_module(suites.write("a/test_it.py", ""))
    words = complaint(suites.write("b/test_it.py", ""))
    assert "another module is named test_it already; rename the file" in words


@pytest.mark.parametrize(
    ("code", "line", "words"),
    [
        ("\nimport nowhere", 5, "ModuleNotFoundError: No module named 'nowhere'"),
        ("def f(:", 4, "SyntaxError: invalid syntax"),
        ("\n\n1 / 0", 6, "ZeroDivisionError: division by zero"),
        ("import sys; sys.exit(3)", 4, "SystemExit: 3"),
        ("def f():\n    raise ValueError('x')\nf()", 5, "ValueError: x"),
        ("import pytest; pytest.skip('not here', allow_module_level=True)", 4, "Skipped: not here"),
        ("class Odd(BaseException): ...\nraise Odd('x')", 5, "Odd: x"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named_with_its_line(
    suites: SuiteFolder, code: str, line: int, words: str
) -> None:
    path = suites.write("test_it.py", code)
    assert complaint(path).startswith(f"{path}:{line}: {words}")
    assert "test_it" not in sys.modules


def test_a_person_who_interrupts_is_heard(suites: SuiteFolder) -> None:
    path = suites.write("test_it.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_module(path)


def test_a_file_with_broken_text_is_named(suites: SuiteFolder) -> None:
    path = suites.path / "test_it.py"
    path.write_bytes(b"x = '\xff'")
    assert "test_it.py" in complaint(path)
    path.write_bytes(b"\0")
    assert "test_it.py" in complaint(path)


@pytest.mark.parametrize("name", ["", "  ", None, lambda: None])
def test_an_owner_has_a_name(name: Any) -> None:
    with pytest.raises(SuiteError, match="names the third party"):
        owner(name)


def quarantined(until: Any, reason: Any = "its plan is renewed late") -> Check:
    class Health(HealthSuite):
        @quarantine(until=until, reason=reason)
        async def test_it(self) -> None: ...

    (check,) = checks_of(Health)
    return check


def in_days(days: int) -> str:
    return str(datetime.now(UTC).date() + timedelta(days=days))


@pytest.mark.parametrize("days", [-400, 0, 1, 89])
def test_a_quarantine_has_a_day_and_a_reason(days: int) -> None:
    check = quarantined(in_days(days))
    assert check.quarantined_until == in_days(days)
    assert check.quarantine_reason == "its plan is renewed late"


@pytest.mark.parametrize(
    ("until", "reason", "words"),
    [
        ("tomorrow", "x", "until='tomorrow' is no day as in 2026-12-01"),
        ("20261201", "x", "until='20261201' is no day"),
        ("2026-02-30", "x", "until='2026-02-30' is no day"),
        ("", "x", "until='' is no day"),
        (None, "x", "until=None is no day"),
        (in_days(92), "x", "more than 90 days ahead; mend the check or delete it"),
        ("9999-12-31", "x", "more than 90 days ahead"),
        (in_days(1), " ", "say in reason= why it fails"),
        (in_days(1), None, "say in reason= why it fails"),
    ],
)
def test_a_quarantine_that_is_none_is_refused_in_one_line(
    until: Any, reason: Any, words: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        quarantined(until, reason)
    assert str(caught.value).startswith(f"{__file__}:")
    assert "health.test_it: quarantine: " in str(caught.value)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
