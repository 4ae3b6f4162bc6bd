"""Suites say for which versions they are; where another is served a note says so, and no more."""

from __future__ import annotations

import pytest
from smokegate.checks import HealthSuite
from smokegate.client import Client
from smokegate.engine import plan
from smokegate.errors import SuiteError
from smokegate.expectations import expect
from smokegate.settings import Settings

from tests.gate.engine.rehearsal import Rehearsal, action
from tests.gate.scripted_transport import ScriptedTransport, answered

pytestmark = pytest.mark.virtual_clock


def serving(version: str) -> Rehearsal:
    class Declared(HealthSuite):
        service_versions = ">=1.4,<2"

        async def test_it(self, client: Client) -> None:
            client.saw_version((await client.get("/health")).read(str, "version"))

    class Other(HealthSuite):
        async def test_other(self, client: Client) -> None:
            expect(await client.get("/health")).status(200)

    transport = ScriptedTransport({"GET /health": answered(document={"version": version})})
    return Rehearsal(Declared, Other, transport=transport)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (
            "2.0.1",
            "Declared in test_service_versions.py is for versions >=1.4,<2, older than 2.0.1",
        ),
        ("1.3", ">=1.4,<2, newer than 1.3 that is served: what it demands may not be what"),
        ("a1b2c3d", "is for versions >=1.4,<2; a1b2c3d has no number to tell"),
    ],
)
async def test_a_suite_that_is_not_for_the_version_says_so_and_decides_as_ever(
    version: str, words: str
) -> None:
    run = await serving(version).run()
    (note,) = run.notes
    assert words in note
    assert action(run).value == "proceed"


@pytest.mark.parametrize("version", ["1.4", "v1.9.9-rc1", ""])
async def test_one_that_is_for_it_says_nothing(version: str) -> None:
    assert (await serving(version).run()).notes == []


def test_what_is_no_range_is_refused_before_the_run() -> None:
    class Wrong(HealthSuite):
        service_versions = "1.x"

    with pytest.raises(SuiteError, match=r"Wrong\.service_versions: '1\.x' is no range such as"):
        plan([Wrong], Settings(), broken=[])
