"""What another site makes a browser send is refused, and every reply has its headers."""

from __future__ import annotations

import httpx2
import pytest
from smokegate.history.store import Store
from smokegate.service.access.guard import HEADERS, is_cross_site, is_ours
from starlette.datastructures import Headers

from tests.gate.service.conftest import served

ORIGIN = "http://gate.example.com"
HOST = "gate.example.com"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:9464",
        "[::1]:9464",
        "10.0.0.5",
        "localhost:9464",
        "a.localhost",
        "GATE.example.com",
    ],
)
def test_addresses_and_names_that_were_told_are_ours(host: str) -> None:
    assert is_ours(host, ["gate.example.com"])


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example:9464",
        "gate.example.com.evil.example",
        "localhost.evil.example",
        "[",
        "1.2",
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert not is_ours(host, ["gate.example.com"])


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),  # no browser
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "something new"}, True),
        ({"origin": ORIGIN}, False),
        ({"origin": "https://gate.example.com"}, False),  # a proxy ends TLS
        ({"origin": "null"}, True),
        ({"origin": "http://evil.example"}, True),
        ({"origin": f"{ORIGIN}:81"}, True),
        ({"origin": f"{ORIGIN}.evil.example"}, True),
        ({"sec-fetch-site": "cross-site", "origin": ORIGIN}, True),
        ({"sec-fetch-site": "same-origin", "origin": "http://behind-a-proxy"}, False),
    ],
)
def test_a_browser_says_what_another_site_made_it_send(
    headers: dict[str, str], refused: bool
) -> None:
    assert is_cross_site(Headers({"host": HOST, **headers})) is refused


def test_a_name_that_leads_here_by_somebody_elses_will_is_refused(empty: Store) -> None:
    with served(empty, hosts=[HOST]) as client:
        for path in "/", "/api/runs", "/metrics", "/health", "/nowhere":
            assert client.get(path, headers={"host": "evil.example"}).status_code == 421
            assert client.get(path, headers={"host": HOST}).status_code != 421
        refused = client.get("/api/runs", headers={"host": "evil.example"})
        assert refused.json()["detail"].startswith("This server does not answer to that name")


def test_where_names_are_not_asked_for_any_is_good(client: httpx2.Client) -> None:
    assert client.get("/health", headers={"host": "any.example"}).status_code == 200


@pytest.mark.parametrize("path", ["/label", "/login", "/logout", "/api/deployments", "/nowhere"])
def test_nothing_is_done_for_another_site(client: httpx2.Client, path: str) -> None:
    for headers in {"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}:
        assert client.post(path, headers=headers).status_code == 403
    assert client.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/nowhere", 404),
        ("/run?id=none", 404),
        ("/api/runs", 200),
        ("/api/nowhere", 404),
        ("/metrics", 200),
        ("/health", 200),
    ],
)
def test_every_reply_has_the_headers(client: httpx2.Client, path: str, status: int) -> None:
    reply = client.get(path)
    assert reply.status_code == status
    for name, value in HEADERS.items():
        assert reply.headers[name] == value


def test_a_refusal_has_them_too(client: httpx2.Client) -> None:
    reply = client.post("/label", headers={"origin": "null"})
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert "'unsafe" not in HEADERS["Content-Security-Policy"]
