"""What a location does not verify, it says why; what was taken is declined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from smokegate.gate import TOOL
from smokegate.locations import messages
from smokegate.locations.messages import Answer, Ask
from smokegate.locations.task import Desk
from smokegate.targets import Target

from smokegate import engine, settings
from tests.gate.suite_folder import SuiteFolder, suite_folder

URL = "http://127.0.0.1:1"
SUITE = """
    class TestProductionHealth(HealthSuite):
        async def test_up(self, client: Client) -> None:
            expect(await client.get("/")).status(200)
"""


def _fail(line: str) -> None:
    raise AssertionError(line)


@pytest.fixture
def suites(tmp_path: Path) -> Iterator[SuiteFolder]:
    with suite_folder(tmp_path / "suites") as folder:
        folder.write("test_places.py", SUITE)
        yield folder


def desk(suites: SuiteFolder, take: Callable[[str], bool] = lambda _: True) -> Desk:
    journal = str(suites.path / "journal")
    configured = settings.load({"url": URL, "journal": journal}, {}, suites.path)
    return Desk("eu", [Target("target", configured, (suites.path,))], take, _fail)


def asked(folder: SuiteFolder, **changes: Any) -> Any:
    plan = engine.load([folder.path], settings.Settings())
    ask = Ask(
        run_id="20260101-000000-abcdef",
        target=URL,
        expect_version="",
        checks=[check.id for check in plan.checks],
        suites=plan.suites,
        tool=TOOL,
        run_timeout_s=1.0,
        wait_s=0.0,
    )
    return messages.plain(ask) | changes


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"target": "http://169.254.169.254"},
            f"eu verifies {URL} only, not http://169.254.169.254",
        ),
        ({"tool": "smokegate/0.0.1"}, f"eu has {TOOL}, asked was smokegate/0.0.1"),
        ({"suites": {"health": "other"}}, "eu has another version of the suites"),
        ({"checks": []}, "eu has another version of the suites"),
        ({"url": URL}, "what was asked cannot be read: Object contains unknown field `url`"),
        ({"run_id": "../../etc"}, "what was asked cannot be read: Expected `str` matching regex"),
        ({"checks": ["x" * 301]}, "what was asked cannot be read: Expected `str` of length <= 300"),
        ({"run_timeout_s": 1e9}, "what was asked cannot be read: Expected `float` <= 86400"),
    ],
)
def test_what_is_not_for_it_is_refused(
    suites: SuiteFolder, changes: dict[str, Any], reason: str
) -> None:
    answer = desk(suites).answer(asked(suites, **changes))
    assert isinstance(answer, Answer)
    assert (answer.run, answer.refused[: len(reason)]) == ("", reason)


def test_suites_that_have_changed_here_are_another_version(suites: SuiteFolder) -> None:
    question = asked(suites)
    suites.write("test_more.py", SUITE.replace("test_up", "test_more"))
    answer = desk(suites).answer(question)
    assert answer == Answer(refused="eu has another version of the suites")


def test_what_was_taken_before_is_declined(suites: SuiteFolder) -> None:
    taken: set[str] = set()

    def take(run_id: str) -> bool:
        is_new = run_id not in taken
        taken.add(run_id)
        return is_new

    question = asked(suites, suites={})
    first, second = desk(suites, take).answer(question), desk(suites, take).answer(question)
    assert (first is None, second) == (False, None)


def test_parts_of_a_run_have_ids_of_their_own() -> None:
    parts = {messages.run_id_at(name, "20260101-000000-abcdef") for name in ("eu", "us", "ap")}
    assert len(parts) == 3
    assert {part[:16] for part in parts} == {"20260101-000000-"}
    assert {len(part) for part in parts} == {22}
