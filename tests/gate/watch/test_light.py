"""Which checks take part in every round: what leaves no trace, and strains nobody."""

from __future__ import annotations

from pathlib import Path

from smokegate.engine import Plan, load
from smokegate.results import CheckResult, Outcome
from smokegate.settings import Settings
from smokegate.watch.light import light_checks, resource_to_keep

from tests.gate.samples import attempt, exchange, result
from tests.gate.suite_folder import suite_folder

RESOURCES = """
    @resource
    async def member(client: Client) -> str: ...

    @resource
    async def rare(client: Client) -> str: ...

    @resource
    async def session(member: str, client: Client) -> str: ...
"""
SUITES = """
    class TestHealth(HealthSuite):
        async def test_up(self, client: Client) -> None: ...
        async def test_refusal(self, client: Client, member: str) -> None: ...
        @exclusive(last=True)
        async def test_burst(self, client: Client, rare: str) -> None: ...

    class TestWorkflows(WorkflowSuite):
        async def test_reading(self, client: Client, member: str) -> None: ...
        async def test_writing(self, client: Client, member: str) -> None: ...
        async def test_registration(self, client: Client) -> None: ...
        async def test_two(self, client: Client, member: str, rare: str) -> None: ...
        async def test_session(self, client: Client, session: str) -> None: ...
"""


def plan(folder: Path) -> Plan:
    with suite_folder(folder) as suites:
        suites.write("resources.py", RESOURCES)
        suites.write("test_watched.py", SUITES)
        return load([folder], Settings())


def results(there: Plan, **outcomes: Outcome) -> dict[str, CheckResult]:
    """What each check did: one request, a POST in those that are named after it."""
    made = {}
    for check in there.checks:
        method = "POST" if check.name in ("test_writing", "test_refusal") else "GET"
        tried = attempt(exchanges=(exchange(method=method),))
        outcome = outcomes.get(check.name, Outcome.PASSED)
        made[check.id] = result(check.name, outcome, suite=check.suite, attempts=[tried])
    return made


def light(there: Plan, seen: dict[str, CheckResult], *before: str) -> list[str]:
    creators = {"member", "rare", "workflows.test_registration"}
    found = light_checks(there.checks, seen, kept="member", creators=creators, before=before)
    return sorted(found)


def test_what_writes_creates_needs_more_or_runs_alone_is_for_full_rounds(tmp_path: Path) -> None:
    there = plan(tmp_path)
    assert resource_to_keep(there) == "member"
    assert light(there, results(there)) == [
        "health.test_refusal",
        "health.test_up",
        "workflows.test_reading",
    ]


def test_what_did_not_pass_is_known_only_from_before(tmp_path: Path) -> None:
    there = plan(tmp_path)
    failed = dict.fromkeys(("test_up", "test_refusal", "test_reading"), Outcome.FAILED)
    assert light(there, results(there, **failed)) == ["health.test_up"]
    before = ("health.test_refusal", "workflows.test_reading", "workflows.test_two")
    assert light(there, results(there, **failed), *before) == [
        "health.test_refusal",
        "health.test_up",
        "workflows.test_reading",
    ]


def test_without_resources_none_is_kept(tmp_path: Path) -> None:
    with suite_folder(tmp_path) as suites:
        suites.write(
            "test_plain.py",
            """
            class TestHealth(HealthSuite):
                async def test_up(self, client: Client) -> None: ...
            """,
        )
        assert resource_to_keep(load([tmp_path], Settings())) == ""
