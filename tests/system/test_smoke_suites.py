"""The shipped suites' own parts: their settings' documentation, search, parser and receiver."""

from __future__ import annotations

import asyncio
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import exposition
import pytest
import receiver
from lattice.lattices.grid import Grid
from lattice.pathfinding.search import find_path
from paths import MAZE, OPEN_CUBE, PUZZLES, WALLED_OFF, Puzzle
from prometheus_client import CollectorRegistry, Counter, Histogram, Info
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from smokegate.checks import checks_of, declared_settings, load_module, suites_in
from standardwebhooks import Webhook

from smokegate import engine, settings

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
    found = find_path(grid, puzzle.start, puzzle.end, max_cells=1_000, timeout_s=60)
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


@pytest.mark.parametrize("encode", [generate_latest, generate_openmetrics])
def test_metrics_of_the_reference_library_can_be_read(encode: Any) -> None:
    text = encode(registry()).decode()
    samples, flaw = exposition.parse(text)
    assert flaw == ""
    assert exposition.total(text, "http_requests_total") == 4
    assert {"took_seconds_bucket", "build_info"} <= {sample.name for sample in samples}


@pytest.mark.parametrize(
    "line",
    [
        "up 1",
        "up{} 1",
        'up { a = "b" , } 1.5e3 1700000000',
        "up +Inf",
        "up NaN",
        "# free words",
        "#",
        "",
        'a_total{b="c"} 1 # {trace_id="x"} 0.5 1.2',
    ],
)
def test_a_good_line_can_be_read(line: str) -> None:
    assert exposition.parse(line)[1] == ""


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
    assert exposition.parse(f"up 1\n{line}\n")[1] == f"line 2: {line}"


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


def test_a_receiver_takes_a_delivery_over_a_socket() -> None:
    async def deliver() -> str:
        async with receiver.receiving("127.0.0.1") as inbox:
            head = "".join(
                f"{name}: {value}\r\n" for name, value in signed(b"{}", datetime.now(UTC)).items()
            )
            request = f"POST / HTTP/1.1\r\nContent-Length: 2\r\n{head}\r\n{{}}".encode()
            answer = await asyncio.to_thread(send, inbox.url, request)
            assert answer.startswith(b"HTTP/1.1 204")
            return await inbox.flaw(SECRET, within_s=60)

    assert asyncio.run(deliver()) == ""


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
