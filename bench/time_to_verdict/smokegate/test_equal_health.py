"""Ten checks of single endpoints."""

from __future__ import annotations

from asyncio import gather
from collections import Counter

from smokegate import Client, HealthSuite, expect, expect_all

PROBLEM = "application/problem+json"


class TestEqualHealth(HealthSuite):
    async def test_health(self, client: Client) -> None:
        """It is healthy."""
        reply = await client.get("/health")
        expect(reply).status(200).json("status", equals="healthy")

    async def test_version(self, client: Client) -> None:
        """It serves the version that was deployed."""
        expect(await client.get("/version")).status(200).json("version", equals="1.4.2")

    async def test_database(self, client: Client) -> None:
        """It reaches its database."""
        reply = await client.get("/health/database")
        expect(reply).status(200).json("database", equals="connected")

    async def test_metrics(self, client: Client) -> None:
        """Its metrics count requests."""
        reply = await client.get("/metrics")
        expect(reply).status(200).header("Content-Type", has="text/plain")
        expect(reply).that("requests are counted", "http_requests_total" in reply.text)

    async def test_openapi(self, client: Client) -> None:
        """It describes itself."""
        reply = await client.get("/openapi.json")
        expect(reply).status(200).json("openapi", equals="3.1.0").json("paths", "/health")

    async def test_unknown_path(self, client: Client) -> None:
        """What is not there is refused in good order."""
        reply = await client.get("/nowhere")
        expect(reply).status(404).header("Content-Type", has=PROBLEM).json("status", equals=404)

    async def test_headers(self, client: Client) -> None:
        """Browsers are told not to guess."""
        reply = await client.get("/health")
        expect(reply).status(200).header("X-Content-Type-Options", equals="nosniff")

    async def test_anonymous(self, client: Client) -> None:
        """Nobody gets in without a token."""
        reply = await client.get("/api/auth/me")
        expect(reply).status(401).header("WWW-Authenticate", has="Bearer")

    async def test_wrong_token(self, client: Client) -> None:
        """Nobody gets in with a token that was made up."""
        reply = await client.with_token("made-up-token").get("/api/lattices")
        expect(reply).status(401).header("WWW-Authenticate", has="Bearer")

    async def test_limit(self, client: Client, caller: str) -> None:
        """A burst meets the limit."""
        calling = client.with_token(caller)
        replies = []
        for _ in range(2):  # servers take about a hundred at a time on one connection
            burst = [calling.get("/api/limited", wait_if_throttled=False) for _ in range(75)]
            replies += await gather(*burst)
        seen = Counter(reply.status for reply in replies)
        expect_all(client).that("100 pass and 50 do not", seen == {200: 100, 429: 50}, seen=seen)
        told = all(reply.header("Retry-After") for reply in replies if reply.status == 429)
        expect_all(client).that("who is refused is told until when", told)
