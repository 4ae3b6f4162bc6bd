"""Plans: which checks are selected, which suites are missing, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from smokegate.checks import checks_of
from smokegate.engine import Plan, load, plan, select_by_words
from smokegate.engine.plan import digest
from smokegate.errors import SuiteError, UsageError
from smokegate.settings import Settings, Sourced

from smokegate import HealthSuite
from tests.gate.suite_folder import SuiteFolder

HEALTH = """
class TestProductionHealth(HealthSuite):
    redis: str = "optional"

    async def test_server(self, client): ...
    async def test_redis_connection(self, client): ...
"""
WORKFLOWS = """
class TestCriticalWorkflows(WorkflowSuite):
    async def test_login_flow(self, client): ...
    async def test_usage_flow(self, client): ...
"""
EVERYTHING = ["health.test_server", "health.test_redis_connection"]
EVERYTHING += ["workflows.test_login_flow", "workflows.test_usage_flow"]


@pytest.fixture
def both(suites: SuiteFolder) -> SuiteFolder:
    suites.write("test_a_health.py", HEALTH)
    suites.write("test_b_workflows.py", WORKFLOWS)
    return suites


def ids(planned: Plan) -> list[str]:
    return [check.id for check in planned.checks]


def missing(planned: Plan) -> list[str]:
    return [each.reason for each in planned.missing_suites]


def test_everything(both: SuiteFolder) -> None:
    planned = load([both.path], Settings())
    assert ids(planned) == EVERYTHING
    assert not planned.partial
    assert planned.missing_suites == []


def test_one_suite(both: SuiteFolder) -> None:
    planned = load([both.path], Settings(), suite="workflows")
    assert ids(planned) == EVERYTHING[2:]
    assert planned.partial
    assert planned.missing_suites == []


def test_one_suite_of_one_is_a_part_as_well(suites: SuiteFolder) -> None:
    suites.write("test_a_health.py", HEALTH)
    planned = load([suites.path], Settings(), suite="health")
    assert planned.partial
    assert planned.missing_suites == []


def test_one_file_is_a_part(both: SuiteFolder) -> None:
    planned = load([both.path / "test_a_health.py"], Settings())
    assert ids(planned) == EVERYTHING[:2]
    assert planned.partial
    assert planned.missing_suites == []


def test_words_that_select_everything_leave_the_whole(both: SuiteFolder) -> None:
    planned = load([both.path], Settings(), select=select_by_words("test"))
    assert (ids(planned), planned.partial) == (EVERYTHING, False)


def test_words_that_select_nothing(both: SuiteFolder) -> None:
    planned = load([both.path], Settings(), select=select_by_words("nothing"))
    assert (ids(planned), planned.partial, planned.missing_suites) == ([], True, [])


def test_a_suite_without_checks_is_missing(suites: SuiteFolder) -> None:
    suites.write("test_a_health.py", HEALTH)
    suites.write("test_b_workflows.py", "class TestCriticalWorkflows(WorkflowSuite): ...")
    assert missing(load([suites.path], Settings())) == [
        "no check of the suite workflows was found; if there is to be none, leave it out of require"
    ]
    assert missing(load([suites.path], Settings(require=("health",)))) == []


def test_an_empty_folder_misses_all(tmp_path: Path) -> None:
    planned = load([tmp_path], Settings())
    assert len(planned.missing_suites) == 2
    assert not planned.partial


def test_a_file_that_does_not_load_makes_a_suite_missing(both: SuiteFolder) -> None:
    path = both.write("test_b_workflows.py", "import nowhere")
    for suite in ("", "health"):
        planned = load([both.path], Settings(), suite=suite)
        assert ids(planned) == EVERYTHING[:2]
        assert [each.suite for each in planned.missing_suites] == ["workflows"]
        assert missing(planned)[0].startswith(f"{path}:4: ModuleNotFoundError")


def test_settings_are_not_judged_while_a_suite_is_missing(both: SuiteFolder) -> None:
    """The suite that declares them may be the one that does not load."""
    settings = Settings(extra={"redis": Sourced("required", "x"), "hooks": Sourced(1, "x")})
    both.write("test_b_workflows.py", "import nowhere")
    assert load([both.path], settings).settings_of_suites == {"redis": "required"}


def test_unknown_settings_are_refused(both: SuiteFolder) -> None:
    with pytest.raises(
        UsageError, match=r"^x: there is no setting 'rediss'; did you mean redis\?$"
    ):
        load([both.path], Settings(extra={"rediss": Sourced("required", "x")}))


def test_settings_of_a_suite_that_was_not_selected_are_known(both: SuiteFolder) -> None:
    settings = Settings(extra={"redis": Sourced("required", "x")})
    assert ids(load([both.path], settings, suite="workflows")) == EVERYTHING[2:]


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"no such file or folder"):
        load([tmp_path / "nowhere"], Settings())


def test_two_checks_of_one_id_are_refused(both: SuiteFolder) -> None:
    both.write("test_c_health.py", HEALTH)
    with pytest.raises(
        SuiteError, match=r"test_c_health.py:\d+: health\.test_server is defined in"
    ):
        load([both.path], Settings())


def test_a_sync_test_is_refused(suites: SuiteFolder) -> None:
    suites.write("test_it.py", "class TestHealth(HealthSuite):\n    def test_it(self): ...")
    with pytest.raises(SuiteError, match=r"TestHealth\.test_it must be an async def"):
        load([suites.path], Settings())


def test_an_unknown_resource_is_refused(suites: SuiteFolder) -> None:
    suites.write("test_it.py", "class H(HealthSuite):\n    async def test_it(self, account): ...")
    with pytest.raises(SuiteError, match=r"health\.test_it takes 'account', which is no resource"):
        load([suites.path], Settings())


def test_other_tests_of_a_project_are_not_touched(both: SuiteFolder) -> None:
    both.write(
        "test_other.py",
        """
        class TestOther:
            def test_it(self): ...

        def test_function(): ...
        """,
    )
    assert ids(load([both.path], Settings())) == EVERYTHING


def named() -> type[HealthSuite]:
    """Give a suite; at the top of this file pytest would run it as one."""

    class Named(HealthSuite):
        async def test_login_flow(self) -> None: ...
        async def test_login_fails(self) -> None: ...
        async def test_usage(self) -> None: ...

    return Named


@pytest.mark.parametrize(
    ("words", "selected"),
    [
        ("login", ["login_flow", "login_fails"]),
        ("LOGIN", ["login_flow", "login_fails"]),
        ("login and flow", ["login_flow"]),
        ("login and not flow", ["login_fails"]),
        ("flow or usage", ["login_flow", "usage"]),
        ("not login", ["usage"]),
        ("not (flow or usage)", ["login_fails"]),
        ("(login) and ((flow))", ["login_flow"]),
        ("login or login", ["login_flow", "login_fails"]),
        ("named", ["login_flow", "login_fails", "usage"]),
        ("test_plan.py", ["login_flow", "login_fails", "usage"]),
        ("health.test_usage", ["usage"]),
        ("", ["login_flow", "login_fails", "usage"]),
        ("nothing", []),
        ("names", []),
        ("True", []),
    ],
)
def test_words_select_as_pytests_do(words: str, selected: list[str]) -> None:
    select = select_by_words(words)
    names = [check.name.removeprefix("test_") for check in checks_of(named()) if select(check)]
    assert names == selected


@pytest.mark.parametrize(
    "words",
    [
        *("and", "login and", "login flow", "(login", "login)", "not", "()", "login()"),
        *("login (flow)", "login and ()", "or or", "(" * 300 + "a" + ")" * 300),
        "not " * 100_000 + "a",
    ],
    ids=range(13),
)
def test_words_that_cannot_be_read_are_refused(words: str) -> None:
    with pytest.raises(SuiteError, match=r"cannot be read; write names with and, or, not"):
        select_by_words(words)


def test_a_plan_of_suites_that_are_loaded_already() -> None:
    planned = plan([named()], Settings(require=("health",)), broken=[])
    assert len(planned.checks) == 3
    assert not planned.partial
    narrowed = plan([named()], Settings(), broken=[], narrowed=True)
    assert narrowed.partial
    assert narrowed.missing_suites == []


def test_a_suite_is_known_by_the_python_files_of_its_folder(both: SuiteFolder) -> None:
    before = load([both.path], Settings()).suites
    assert before.keys() == {"health", "workflows"}
    both.write("notes.txt", "no code")
    both.write("deeper/other.py", "")
    assert digest([both.path]) == before["health"]
    both.write("resources.py", "")
    assert digest([both.path]) != before["health"]


def test_the_digest_is_the_same_wherever_the_folder_lies(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        for name in ("a.py", "b.py"):
            (tmp_path / place / name).write_text(name)
    assert digest([tmp_path / "here"]) == digest([tmp_path / "there"])
    (tmp_path / "there/b.py").rename(tmp_path / "there/c.py")
    assert digest([tmp_path / "here"]) != digest([tmp_path / "there"])


def test_a_folder_that_cannot_be_read_has_no_digest(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    assert digest([tmp_path]) == ""
