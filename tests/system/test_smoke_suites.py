"""The shipped suites' own parts: their settings' documentation, search, parser and receiver."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import contract
import exposition
import msgspec
import pytest
import receiver
from lattice.accounts import schemas as accounts
from lattice.lattices import schemas as lattices
from lattice.pathfinding import schemas as pathfinding
from lattice.pathfinding.field import Grid
from lattice.pathfinding.pace import Pace
from lattice.pathfinding.search import find_path
from lattice.subscriptions import schemas as subscriptions
from lattice.tenants import plans
from lattice.tenants import schemas as tenants
from lattice.usage import schemas as usage
from lattice.webhooks import schemas as webhooks
from paths import MAZE, OPEN_CUBE, PUZZLES, WALLED_OFF, Puzzle
from prometheus_client import CollectorRegistry, Counter, Histogram, Info
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from pydantic import BaseModel
from smokegate.checks import checks_of, declared_settings, load_module, suites_in
from smokegate.errors import ExpectationFailed
from standardwebhooks import Webhook

from lattice import problems
from smokegate import engine, settings
from tests.gate.clients import bound
from tests.gate.scripted_transport import Route, ScriptedTransport, answered
from tests.gate.suite_folder import suite_folder

SUITES = Path(__file__).parents[1] / "smoke"
README = (SUITES / "README.md").read_text(encoding="utf-8")
HEALTH = [
    "api_server_running",
    "database_connection",
    "redis_connection",
    "metrics_endpoint",
    "api_response_time",
    "authentication_endpoint",
    "rate_limiting_active",
    "cors_headers",
    "security_headers",
    "error_handling",
    "ssl_certificate",
]
WORKFLOWS = [
    "user_registration_flow",
    "user_login_flow",
    "authenticated_api_access",
    "subscription_flow",
    "lattice_creation_flow",
    "lattice_pathfinding_flow",
    "webhook_registration_flow",
    "usage_tracking_flow",
    "error_recovery_flow",
    "bulk_operations_flow",
]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Whoever loads the suites in this process forgets them again: others have such names too."""
    with suite_folder(SUITES):
        yield


def suites() -> list[Any]:
    files = sorted(SUITES.glob("test_*.py"))
    return [suite for file in files for suite in suites_in(load_module(file))]


def test_the_suites_have_the_checks_that_they_promise() -> None:
    names = {(check.suite, check.name) for suite in suites() for check in checks_of(suite)}
    wanted = {("health", f"test_{name}") for name in HEALTH}
    assert names == wanted | {("workflows", f"test_{name}") for name in WORKFLOWS}


def test_every_check_and_resource_can_be_planned() -> None:
    plan = engine.load([SUITES], settings.load({}, {}, SUITES))
    assert len(plan.checks) == len(HEALTH) + len(WORKFLOWS)
    assert not plan.missing_suites
    assert set(plan.catalogue.removers) == {"account"}


def test_every_check_has_a_title_of_its_own() -> None:
    titles = [check.title for suite in suites() for check in checks_of(suite)]
    assert len(set(titles)) == len(titles)
    assert all(title.endswith(".") for title in titles)


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", README, re.MULTILINE))
    declared = {name: suite for suite in suites() for name in declared_settings([suite])}
    assert set(rows) == set(declared)
    for name, suite in declared.items():
        default = getattr(suite, name)
        if isinstance(default, tuple):
            is_shown = rows[name].strip("` ") == ", ".join(default) or name == "private_paths"
        else:
            shown = f"{default:g}" if isinstance(default, float) else str(default) or "none"
            is_shown = rows[name].strip("` ") == shown
        assert is_shown, f"{name}: README has {rows[name]}, the suite {default!r}"


@pytest.mark.parametrize("puzzle", PUZZLES, ids=lambda puzzle: puzzle.name)
def test_the_puzzles_are_solved_alike_by_the_service_and_by_its_check(puzzle: Puzzle) -> None:
    grid = Grid(puzzle.dimensions, sorted(puzzle.obstacles), "axis")
    found = find_path(grid, puzzle.start, puzzle.end, Pace(60), max_cells=1_000)
    assert found.length == puzzle.shortest()
    assert found.path is None or puzzle.flaw([list(map(int, cell)) for cell in found.path]) == ""


def test_the_puzzles_are_what_they_are_called() -> None:
    assert OPEN_CUBE.shortest() == sum(OPEN_CUBE.end)
    around_walls = MAZE.shortest()
    assert around_walls is not None
    assert around_walls > sum(MAZE.end) - sum(MAZE.start)
    assert WALLED_OFF.shortest() is None


@pytest.mark.parametrize(
    ("path", "flaw"),
    [
        ([], "leads"),
        ([[0, 0, 0]], "leads"),
        ([[0, 0, 0], [4, 4, 4]], "no neighbours"),
        ([[0, 0, 0], [0, 0, -1], [4, 4, 4]], "outside"),
        ([[0, 0, 0], [0, 0], [4, 4, 4]], "outside"),
        ([[0, 0, 0], [0, 0, 0], [4, 4, 4]], "no neighbours"),
    ],
)
def test_a_path_that_is_none_has_a_flaw(path: list[list[int]], flaw: str) -> None:
    assert flaw in OPEN_CUBE.flaw(path)


def test_an_answer_must_be_the_shortest_way_or_that_there_is_none() -> None:
    edge = [[0, 0, at] for at in range(5)]
    face = [[0, at, 4] for at in range(1, 5)]
    shortest = [*edge, *face, *([at, 4, 4] for at in range(1, 5))]
    assert OPEN_CUBE.flaw(shortest) == ""
    assert OPEN_CUBE.flaw([[0, 0, 0], [0, 0, 1], *shortest]) == "it has 14 steps, not 12"
    assert OPEN_CUBE.flaw(None) == "there is a way"
    assert WALLED_OFF.flaw(shortest) == "there is no way"
    assert WALLED_OFF.flaw(None) == ""


@pytest.mark.parametrize(
    ("promised", "documented"),
    [
        (contract.Tokens, accounts.TokenPair),
        (contract.User, accounts.User),
        (contract.Tenant, tenants.Tenant),
        (contract.Plan, plans.Plan),
        (contract.Limits, plans.Limits),
        (contract.Subscription, subscriptions.Subscription),
        (contract.Lattice, lattices.Lattice),
        (contract.Page, lattices.LatticePage),
        (contract.Way, pathfinding.SearchAnswer),
        (contract.Webhook, webhooks.Webhook),
        (contract.Webhooks, webhooks.Webhooks),
        (contract.Queued, webhooks.QueuedDelivery),
        (contract.Delivery, webhooks.Delivery),
        (contract.Deliveries, webhooks.Deliveries),
        (contract.Counts, usage.Counts),
        (contract.Day, usage.UsageDay),
        (contract.Usage, usage.Usage),
        (contract.FieldProblem, problems.FieldProblem),
        (contract.Problem, problems.Problem),
    ],
)
def test_the_suites_read_what_the_service_documents(
    promised: type[msgspec.Struct], documented: type[BaseModel]
) -> None:
    read = {field.encode_name for field in msgspec.structs.fields(promised)}
    assert read <= set(documented.model_json_schema(mode="serialization")["properties"])


def days(*calls: int) -> list[contract.Day]:
    first = date(2026, 11, 24)
    return [
        contract.Day(count, 0, 0, day=first + timedelta(days=number))
        for number, count in enumerate(calls)
    ]


@pytest.mark.parametrize(
    ("last", "calls", "of_days", "adds_up"),
    [
        (25, 3, days(1, 2), True),
        (25, 4, days(1, 2), False),
        (26, 3, days(1, 2), False),
        (25, 3, days(1, 2, 0), False),
        (25, 3, [*days(3), *days(0)], False),
        (23, 0, [], False),
    ],
)
def test_usage_adds_up_if_every_day_is_there(
    last: int, calls: int, of_days: list[contract.Day], adds_up: bool
) -> None:
    totals = contract.Counts(calls, 0, 0)
    first, last_day = date(2026, 11, 24), date(2026, 11, last)
    assert contract.Usage(first, last_day, totals, of_days).adds_up is adds_up


def test_an_address_is_the_same_in_any_letter_case() -> None:
    said = {"id": "1", "email": "Ada@Example.com", "role": "owner"}
    made = msgspec.convert(said | {"created_at": "2026-11-24T10:00:00Z"}, contract.User)
    kept = said | {"email": "ada@example.com", "created_at": "2026-11-24T11:00:00+01:00"}
    assert made == msgspec.convert(kept, contract.User)


REFUSED = {"title": "Conflict", "status": 409, "detail": "It is there."}


@pytest.mark.parametrize(
    ("said", "is_one"),
    [
        ({}, True),
        ({"type": "about:blank"}, True),
        ({"type": "about:blank", "title": "Oh no"}, False),
        ({"title": "Oh no"}, False),
        ({"type": "https://errors.example/taken", "title": "Oh no"}, True),
        ({"type": "/errors/taken", "title": "Oh no"}, True),
        ({"type": "about:blanl"}, False),
    ],
)
def test_a_problem_is_titled_by_its_status_or_has_a_type(
    said: dict[str, str], is_one: bool
) -> None:
    try:
        msgspec.convert(REFUSED | said, contract.Problem)
    except msgspec.ValidationError:
        assert not is_one
    else:
        assert is_one


def test_the_order_of_obstacles_is_free() -> None:
    names = (each.name for each in msgspec.structs.fields(contract.Lattice))
    shown: dict[str, Any] = dict.fromkeys(names, 0)
    shown |= {"id": "1", "name": "cube", "description": None, "connectivity": "axis"}
    shown |= dict.fromkeys(("created_at", "updated_at"), "2026-11-24T10:00:00Z")
    kept = msgspec.convert(
        shown | {"dimensions": [3, 3], "obstacles": [[2, 1], [0, 1]]}, contract.Lattice
    )
    assert kept == msgspec.structs.replace(kept, obstacles=[(0, 1), (2, 1)])
    assert kept != msgspec.structs.replace(kept, obstacles=[(0, 1), (1, 2)])


def test_a_path_through_a_wall_has_a_flaw() -> None:
    (wall_x, wall_y), *_ = sorted(MAZE.obstacles)
    assert "obstacle" in MAZE.flaw([MAZE.start, [wall_x, wall_y], MAZE.end])


def registry() -> CollectorRegistry:
    measured = CollectorRegistry()
    counter = Counter("http_requests", 'Help with \\ and "quotes".', ["path"], registry=measured)
    counter.labels('/a"b\\c\n{d="e",}').inc(3)
    counter.labels("/plain").inc()
    Histogram("took_seconds", "Time.", registry=measured).observe(0.2)
    Info("build", "It.", registry=measured).info({"version": "1.0"})
    return measured


TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text"


@pytest.mark.parametrize(
    ("encode", "media_type"), [(generate_latest, TEXT), (generate_openmetrics, OPENMETRICS)]
)
def test_metrics_of_the_reference_library_can_be_read(encode: Any, media_type: str) -> None:
    samples, flaw = exposition.parse(encode(registry()).decode(), media_type)
    assert flaw == ""
    assert exposition.total(samples, "http_requests_total") == 4
    assert {"took_seconds_bucket", "build_info"} <= {sample.name for sample in samples}


def test_metrics_that_were_cut_anywhere_are_not_whole() -> None:
    whole = generate_openmetrics(registry()).decode()  # type: ignore[no-untyped-call]
    # The last line feed may be left out.
    cuts = [
        end for end in range(len(whole) - 1) if not exposition.parse(whole[:end], OPENMETRICS)[1]
    ]
    assert cuts == []
    assert exposition.parse(whole[:-1], OPENMETRICS)[1] == ""


def test_no_metrics_at_all_are_whole_too() -> None:
    assert exposition.parse("# EOF\n", OPENMETRICS) == ([], "")


@pytest.mark.parametrize("name", ["requests", "requests_total"])
def test_a_counter_is_found_by_its_name_of_either_format(name: str) -> None:
    samples, _ = exposition.parse('requests_total{code="200"} 3\nrequests_created 9\n', TEXT)
    assert exposition.total(samples, name) == 3


@pytest.mark.parametrize(
    "line",
    [
        "up 1",
        "up{} 1",
        'up { a = "b" , } 1.5e3 1700000000',
        "up +Inf",
        "up INFINITY",
        "up NaN",
        "# free words",
        "#",
        "",
        'a_total{b="c"} 1 # {trace_id="x"} 0.5 1.2',
    ],
)
def test_a_good_line_can_be_read(line: str) -> None:
    assert exposition.parse(line, TEXT)[1] == ""


@pytest.mark.parametrize(
    "line",
    [
        "up",
        "up one",
        "up 1_000",
        "1up 1",
        'up{a="b} 1',
        "up{a=b} 1",
        'up{a="b" c="d"} 1',
        r'up{a="\x"} 1',
        "up 1 2 3",
        "# TYPE up speed",
        "<html>",
        '{"up": 1}',
    ],
)
def test_a_bad_line_is_named(line: str) -> None:
    assert exposition.parse(f"up 1\n{line}\n", TEXT)[1] == f"line 2: {line}"


def test_an_account_is_removed_with_the_token_it_has_or_a_new_one() -> None:
    resources = load_module(SUITES / "resources.py")
    removed = answered(204)
    script: dict[str, Route] = {
        "DELETE /api/auth/me": [removed, answered(401), removed, removed],
        "POST /api/auth/login": answered(200, {"access_token": "a new one"}),
    }
    target = ScriptedTransport(script, latency_s=0)

    async def remove() -> None:
        client = bound(target).client
        resources.TOKENS["ada@example.com"] = "the one it has"
        assert await resources.remove_account(client, "ada@example.com")
        resources.TOKENS["bob@example.com"] = "an old one"
        with pytest.raises(ExpectationFailed):
            await resources.remove_account(client, "bob@example.com")
        assert await resources.remove_account(client, "bob@example.com"), "the second try"
        assert await resources.remove_account(client, "made by a dead process")

    asyncio.run(remove())
    logged_in = ["POST /api/auth/login", "DELETE /api/auth/me"]
    assert target.lines == [*["DELETE /api/auth/me"] * 2, *logged_in * 2]


SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def signed(body: bytes, at: datetime) -> dict[str, str]:
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": "v1,other " + Webhook(SECRET).sign("msg_1", at, body.decode()),
    }


def test_a_signature_of_the_reference_library_is_right() -> None:
    assert receiver.signature_flaw(SECRET, signed(b"{}", datetime.now(UTC)), b"{}") == ""


def test_what_is_not_signed_rightly_is_told() -> None:
    headers = signed(b"{}", datetime.now(UTC))
    assert "fits" in receiver.signature_flaw(SECRET, headers, b"{} ")
    assert "fits" in receiver.signature_flaw("whsec_" + "A" * 32, headers, b"{}")
    assert "timestamp" in receiver.signature_flaw(
        SECRET, signed(b"{}", datetime(2020, 1, 1, tzinfo=UTC)), b"{}"
    )
    del headers["webhook-signature"]
    assert "no header" in receiver.signature_flaw(SECRET, headers, b"{}")


@pytest.mark.parametrize(
    ("event", "flaw"),
    [("webhook.test", ""), ("path.found", "it is msg_1 with the event 'webhook.test'")],
)
def test_a_receiver_takes_a_delivery_over_a_socket(event: str, flaw: str) -> None:
    body = b'{"type":"webhook.test"}'

    async def deliver() -> str:
        async with receiver.receiving("127.0.0.1") as inbox:
            head = "".join(
                f"{name}: {value}\r\n" for name, value in signed(body, datetime.now(UTC)).items()
            )
            start = f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\n{head}\r\n"
            answer = await asyncio.to_thread(send, inbox.url, start.encode() + body)
            assert answer.startswith(b"HTTP/1.1 204")
            return await inbox.flaw(SECRET, "msg_1", event, within_s=60)

    assert asyncio.run(deliver()) == flaw


def send(url: str, request: bytes) -> bytes:
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(request)
        return connection.recv(1_000)


def test_without_an_address_nothing_is_listened_to() -> None:
    async def nowhere() -> str:
        async with receiver.receiving("") as inbox:
            return inbox.url

    assert asyncio.run(nowhere()) == receiver.NOWHERE
