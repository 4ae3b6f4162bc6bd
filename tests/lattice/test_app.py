import asyncio
from collections.abc import Callable, Iterator
from inspect import isasyncgenfunction, iscoroutinefunction, isfunction

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from lattice.app import FEATURES, create_app
from lattice.settings import Settings

from tests.lattice.in_process import Lattice


def test_data_and_sessions_outlive_a_restart(settings_with: Callable[..., Settings]) -> None:
    settings = settings_with(secret="a secret that both share, long enough")
    with Lattice(settings) as first:
        token = first.register().access_token
    with Lattice(settings) as second:
        assert second.ask("GET", "/api/auth/me", token=token).status_code == 200


def test_a_token_of_another_secret_is_no_token(settings_with: Callable[..., Settings]) -> None:
    with Lattice(settings_with(secret="one secret, long enough to be used")) as first:
        token = first.register().access_token
    with Lattice(settings_with(secret="another one, long enough to be used")) as second:
        assert second.ask("GET", "/api/auth/me", token=token).status_code == 401


def test_background_work_ends_with_the_service(settings_with: Callable[..., Settings]) -> None:
    app = create_app(settings_with())

    async def scenario() -> None:
        before = asyncio.all_tasks()
        async with app.router.lifespan_context(app):
            assert asyncio.all_tasks() > before
        assert asyncio.all_tasks() == before

    asyncio.run(scenario())


def test_two_services_share_nothing_but_their_database(
    settings_with: Callable[..., Settings],
) -> None:
    first, second = create_app(settings_with()), create_app(settings_with())
    assert vars(first.state)["_state"].keys() == vars(second.state)["_state"].keys()
    for name, part in vars(first.state)["_state"].items():
        assert part in (None, False) or part is not vars(second.state)["_state"][name], name


def test_every_feature_is_served(lattice: Lattice) -> None:
    served = lattice.ask("GET", "/openapi.json").json()["paths"]
    for feature in FEATURES:
        assert any(getattr(route, "path", None) in served for route in feature.routes), feature


def test_no_route_waits_for_a_thread_of_the_framework() -> None:
    def calls(dependant: Dependant) -> Iterator[object]:
        yield dependant.call
        for dependency in dependant.dependencies:
            yield from calls(dependency)

    routes = [route for feature in FEATURES for route in feature.routes]
    assert all(isinstance(route, APIRoute) for route in routes)
    found = {call for route in routes for call in calls(route.dependant)}  # type: ignore[attr-defined]
    for call in found:
        # A class that is called: its method is meant.
        function = call if isfunction(call) else type(call).__call__
        assert iscoroutinefunction(function) or isasyncgenfunction(function), call
