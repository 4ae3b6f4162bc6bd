"""Resources and removers: how they are found, and what is said when they do not fit together."""

from __future__ import annotations

from typing import Any

import pytest
from smokegate.checks import Check, checks_of, load_module, suites_in
from smokegate.client import Client
from smokegate.errors import SuiteError
from smokegate.resources import Catalogue, Resource, catalogue_of, removers_in

from smokegate import HealthSuite, removes, resource
from tests.gate.suite_folder import SuiteFolder


def checks_taking(*needs: list[str]) -> list[Check]:
    class Health(HealthSuite):
        async def test_a(self, client: Client) -> None: ...
        async def test_b(self, client: Client) -> None: ...

    checks = checks_of(Health)[: len(needs)]
    for check, each in zip(checks, needs, strict=True):
        check.needs = each
    return checks


def catalogue(**needs: list[str]) -> Catalogue:
    async def make() -> None: ...

    made = Catalogue()
    for name, each in needs.items():
        made.resources[name] = Resource(name, make)
        made.resources[name].needs = each
    return made


def test_who_needs_what_directly_or_through_others() -> None:
    made = catalogue(account=["client"], lattice=["client", "account"], unused=[])
    needed = made.needed_by(checks_taking(["client", "lattice"], ["account"]))
    assert needed == {
        "account": ["health.test_a", "health.test_b"],
        "lattice": ["health.test_a"],
    }


def test_an_unknown_resource_is_named_with_those_there_are() -> None:
    made = catalogue(account=[], lattice=[])
    with pytest.raises(SuiteError) as caught:
        made.needed_by(checks_taking(["accounts"]))
    assert str(caught.value) == (
        "health.test_a takes 'accounts', which is no resource; there are: account, lattice"
    )
    with pytest.raises(SuiteError, match=r"there are: none$"):
        Catalogue().needed_by(checks_taking(["x"]))


def test_resources_in_a_circle_are_refused() -> None:
    made = catalogue(a=["b"], b=["c"], c=["client", "a"])
    with pytest.raises(SuiteError, match=r"^resources need each other: a -> b -> c -> a$"):
        made.needed_by(checks_taking(["a"]))
    with pytest.raises(SuiteError, match=r"a -> a$"):
        catalogue(a=["a"]).needed_by(checks_taking(["a"]))


def test_a_wide_graph_is_no_trouble() -> None:
    names = [f"r{number}" for number in range(40)]
    made = catalogue(**{name: names[:at] for at, name in enumerate(names)})
    needed = made.needed_by(checks_taking([names[-1]]))
    assert len(needed) == 40


def test_marks_are_told_from_anything_else() -> None:
    @resource
    async def account(client: Client) -> str:
        return "a"

    @removes("account")
    async def remove_account(client: Client, name: str) -> bool:
        return True

    class Anything:
        def __getattr__(self, name: str) -> Any:
            return self

    made = Catalogue()
    made.add({"account": account, "gone": remove_account, "odd": Anything(), "n": 3})
    assert list(made.resources) == ["account"]
    assert made.resources["account"].needs == ["client"]
    assert made.removers == {"account": remove_account}


@pytest.mark.parametrize("mark", [resource, removes("thing")])
def test_a_function_that_is_not_asynchronous_is_refused(mark: Any) -> None:
    def account(client: Client) -> str:
        return "a"

    with pytest.raises(SuiteError, match=r"account must be an async def"):
        mark(account)


def test_resources_stand_beside_the_suites_and_in_them(suites: SuiteFolder) -> None:
    suites.write(
        "resources.py",
        """
        @resource
        async def account(client): ...

        @removes("account")
        async def remove_account(client, name): ...
        """,
    )
    path = suites.write(
        "test_it.py",
        """
        @resource
        async def lattice(client, account): ...

        class Health(HealthSuite):
            async def test_it(self, lattice): ...
        """,
    )
    checks = [check for suite in suites_in(load_module(path)) for check in checks_of(suite)]
    made = catalogue_of(checks)
    assert set(made.resources) == {"account", "lattice"}
    assert set(made.removers) == {"account"}


def test_removers_are_found_without_the_checks(suites: SuiteFolder) -> None:
    suites.write("resources.py", "@removes('account')\nasync def gone(client, name): ...")
    path = suites.write("test_it.py", "@removes('hook')\nasync def also(client, name): ...")
    suites.write(".venv/lib/resources.py", "raise RuntimeError('not ours')")
    suites.write(".venv/lib/test_theirs.py", "raise RuntimeError('not ours')")
    assert set(removers_in([str(suites)])) == {"account", "hook"}
    assert set(removers_in([str(path)])) == {"account", "hook"}
    with pytest.raises(SuiteError):
        removers_in([str(suites.path / "nowhere")])
