from collections.abc import Callable
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.lattice.in_process import Lattice

Series = dict[tuple[str, str, str], float]


def counted(lattice: Lattice) -> Series:
    """Requests by method, route and status."""
    exposition = lattice.ask("GET", "/metrics").text
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == "http_requests_total"
    }


def test_every_request_is_counted_once_before_its_reply_is_there(lattice: Lattice) -> None:
    for times in (1, 2, 3):
        lattice.ask("GET", "/health")
        assert counted(lattice)["GET", "/health", "200"] == times


def test_a_route_is_counted_by_its_template(lattice: Lattice) -> None:
    account = lattice.register()
    for tenant_id in (account.tenant["id"], "x", "y"):
        lattice.ask("GET", f"/api/tenants/{tenant_id}", token=account.access_token)
    series = counted(lattice)
    assert series["GET", "/api/tenants/{tenant_id}", "200"] == 1
    assert series["GET", "/api/tenants/{tenant_id}", "404"] == 2
    assert not any("/x" in route for _, route, _ in series)


def test_what_no_route_takes_makes_no_series_of_its_own(lattice: Lattice) -> None:
    for path in ("/a", "/b", "/c"):
        lattice.ask("GET", path)
    lattice.ask("BREW", "/a")
    series = counted(lattice)
    assert series["GET", "none", "404"] == 3
    assert series["other", "none", "404"] == 1
    assert len(series) == 2


def test_refusals_and_failures_are_counted(lattice: Lattice) -> None:
    @lattice.app.get("/broken", tags=["test"])
    async def broken() -> None:
        raise RuntimeError

    lattice.ask("GET", "/broken")
    lattice.ask("GET", "/api/auth/me")
    series = counted(lattice)
    assert series["GET", "/broken", "500"] == 1
    assert series["GET", "/api/auth/me", "401"] == 1


def test_times_are_measured(lattice: Lattice) -> None:
    lattice.ask("GET", "/health")
    exposition = lattice.ask("GET", "/metrics").text
    line = 'http_request_duration_seconds_count{method="GET",route="/health"} 1.0'
    assert line in exposition


def test_two_applications_do_not_count_together(
    lattice_with: Callable[..., Lattice], tmp_path: Path
) -> None:
    first = lattice_with()
    second = lattice_with(database_url=f"sqlite:///{tmp_path}/second.db")
    first.ask("GET", "/version")
    assert ("GET", "/version", "200") in counted(first)
    assert ("GET", "/version", "200") not in counted(second)


def test_every_metric_is_in_the_readme(lattice: Lattice) -> None:
    lattice.ask("GET", "/health")
    readme = (Path(__file__).parents[3] / "lattice/README.md").read_text(encoding="utf-8")
    for family in text_string_to_metric_families(lattice.ask("GET", "/metrics").text):
        # The parser takes the suffix of counters away; `_created` belongs to its own family.
        name = family.name.removesuffix("_created")
        assert f"`{name}" in readme or name.startswith("process_"), name
