"""Is it up? What a deployment stands on, each part asked by itself."""

from __future__ import annotations

import math
import re
import ssl
import time
from asyncio import gather
from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import chain
from typing import Any, Literal

import exposition
import msgspec
from contract import expect_refused
from resources import Account, log_in

from smokegate import (
    INVESTIGATE,
    MONITOR,
    ROLLBACK,
    WARN,
    Client,
    HealthSuite,
    Reply,
    consequence,
    exclusive,
    expect,
    expect_all,
)

UNSIGNED = "a token without a signature"
PLANS = "/api/plans"  # what anybody may ask of the API itself
DAY_S = 86_400
ALLOWED_ORIGIN = "Access-Control-Allow-Origin"
# What must be listed for pages to change things and to show their token (the Fetch standard).
PREFLIGHT_NEEDS = {
    "Access-Control-Allow-Methods": {"delete", "patch"},
    "Access-Control-Allow-Headers": {"authorization", "content-type"},
}
# How programs of several languages show where in their code they failed, as text or within JSON.
TRACE = re.compile(
    r'Traceback \(most recent|File \\?"[^"]+", line \d|(?:\n|\\n)\s+at \w|goroutine \d+ \[|panic: '
)
# What says a limit: headers as of old and those of the IETF's drafts, in each of their forms.
LIMIT_HEADERS = ("RateLimit-Policy", "RateLimit", "RateLimit-Limit", "X-RateLimit-Limit")
LIMIT = re.compile(r"(?:^|\b(?:q|limit)=)(\d{1,9})\b")


class TestProductionHealth(HealthSuite):
    """What fails here means rollback, unless the check says otherwise."""

    redis: Literal["optional", "required"] = "optional"
    request_counter: str = "http_requests_total"
    latency_path: str = "/health"
    latency_samples: int = 20
    latency_at_once: int = 5
    latency_limit_s: float = 1.0
    latency_wish_s: float = 0.5
    private_paths: tuple[str, ...] = (
        "/api/auth/me",
        "/api/tenants",
        "/api/subscriptions",
        "/api/lattices",
        "/api/webhooks",
        "/api/usage",
    )
    # The most requests that are sent to find the limit, and how many of them at once.
    rate_limit_cap: int = 150
    rate_limit_at_once: int = 40
    retry_after_limit_s: float = 3600.0
    cors: Literal["optional", "required"] = "optional"
    allowed_origin: str = "http://localhost:3000"
    foreign_origins: tuple[str, ...] = ("https://foreign.example", "null")
    # Each "Name", "Name: part of its value" or "Name: one part or another".
    required_headers: tuple[str, ...] = (
        "X-Content-Type-Options: nosniff",
        "X-Frame-Options: DENY or SAMEORIGIN",
    )
    required_headers_tls: tuple[str, ...] = ("Strict-Transport-Security: max-age",)
    wanted_headers: tuple[str, ...] = (
        "Content-Security-Policy: frame-ancestors 'none' or frame-ancestors 'self'",
        "Referrer-Policy: no-referrer or same-origin or strict-origin",
    )
    certificate_days: float = 14.0
    # Where plain HTTP could be served beside TLS; 80 is tried for port 443 only, 0 is nowhere.
    plain_http_port: int = 80

    async def test_api_server_running(self, client: Client) -> None:
        """The service answers, is healthy, and says which version it is."""
        reply = await client.get("/health")
        # Without an optional part it serves all the same, and says that it is degraded.
        serves = ("healthy", "degraded") if self.redis == "optional" else ("healthy",)
        expect(reply).status(200).json("status", one_of=serves)
        expect(reply, or_else=MONITOR).json("status", equals="healthy")
        version = reply.read(str, "version")
        client.saw_version(version)
        # Elsewhere is another version where a load balancer has not switched yet.
        elsewhere = expect(await client.get("/version"), or_else=INVESTIGATE)
        elsewhere.status(200).json("version", equals=version)
        parts = expect(reply, or_else=WARN)
        parts.json("checks", "database", equals="connected")
        parts.json("checks", "redis", one_of=("connected", "not configured"))

    async def test_database_connection(self, client: Client) -> None:
        """The service reaches its database."""
        reply = await client.get("/health/database")
        expect(reply).status(200).json("database", equals="connected")

    async def test_redis_connection(self, client: Client) -> None:
        """The service reaches Redis, where it has one."""
        reply = await client.get("/health/redis")
        message = reply.read(str, "message") if reply.has("message") else ""
        if self.redis == "optional" and reply.status == 503:
            expect_refused(reply, 503)
            if "not configured" in message.lower():
                expect(reply, or_else=WARN).json("redis", equals="not configured")
                client.skip('Redis is not configured; set redis = "required" where it should be')
            expect(reply, or_else=MONITOR).status(200)
            return
        expect(reply).status(200).json("redis", equals="connected")

    async def test_metrics_endpoint(self, client: Client) -> None:
        """Prometheus can read the metrics, and they count the requests that are made."""
        asking = {"Accept": exposition.ACCEPT}
        before = await client.get("/metrics", headers=asking)
        expect(before).status(200).that(
            "Prometheus takes its media type",
            before.media_type in exposition.MEDIA_TYPES,
            seen=before.media_type or "none",
        )
        samples, flaw = exposition.parse(before.text, before.media_type)
        expect(before).that("every line can be read, to the end", not flaw, seen=flaw)
        expect(before).that("it is not empty", len(samples) > 0, seen=f"{len(samples)} samples")
        counted = exposition.total(samples, self.request_counter)
        for _ in range(3):
            await client.get("/health", fresh=True)
            after = await client.get("/metrics", headers=asking, fresh=True)
            samples, _ = exposition.parse(after.text, after.media_type)
            if exposition.total(samples, self.request_counter) > counted:
                return
        client.warn(f"{self.request_counter} was not seen to move; another worker may have counted")

    @exclusive()
    async def test_api_response_time(self, client: Client, neighbour: Account) -> None:
        """Replies come quickly, the time on the network left out."""
        times_s, private_times_s = await self._measured(client, client.with_token(neighbour.token))
        slowest_s, p95_s = times_s[-1], times_s[math.ceil(0.95 * len(times_s)) - 1]
        limit_s, wish_s = self.latency_limit_s, self.latency_wish_s
        seen = f"p95 {p95_s:.3f} s, slowest {slowest_s:.3f} s of {len(times_s)}"
        expect_all(client).that(f"95% take less than {limit_s:g} s", p95_s < limit_s, seen=seen)
        wish = expect_all(client, or_else=WARN)
        wish.that(f"95% take less than {wish_s:g} s", p95_s < wish_s, seen=seen)
        wish.that(f"none takes longer than {limit_s:g} s", slowest_s <= limit_s, seen=seen)
        compared = expect_all(client, or_else=INVESTIGATE)
        compared.as_fast_as_before(f"GET {self.latency_path}", times_s)
        middle_s = private_times_s[(len(private_times_s) - 1) // 2]
        compared.that(
            f"half of the replies to GET {self.private_paths[0]} take less than {limit_s:g} s",
            middle_s < limit_s,
            seen=f"median {middle_s:.3f} s of {len(private_times_s)}",
        )

    async def _measured(self, client: Client, me: Client) -> tuple[list[float], list[float]]:
        """Give the times of replies, the shortest first, and those of what needs a token."""
        private = await gather(
            *(me.get(self.private_paths[0]) for _ in range(self.latency_at_once)),
            client.get(self.latency_path),  # what fell asleep after the deployment wakes up
        )
        replies: list[Reply] = []
        while len(replies) < self.latency_samples:
            asked = (client.get(self.latency_path) for _ in range(self.latency_at_once))
            replies += await gather(*asked)
        for reply in (*private, *replies):
            expect(reply).status(200)
        return sorted(reply.server_s for reply in replies), sorted(
            reply.server_s for reply in private[:-1]
        )

    async def test_authentication_endpoint(self, client: Client, member: Account) -> None:
        """An empty registration is refused in words, and nobody gets in without a good token."""
        registration = await client.post("/api/auth/register", json={})
        expect_refused(registration, naming=["email", "password", "tenant_name"])
        path, *others = self.private_paths
        bad = _bad_tokens(member.token)
        nobody, refusals, probed = await gather(
            client.get(path),
            gather(*(client.with_token(token).get(path) for token in bad.values())),
            # Only probed: one that is broken lets nobody in, and its own check says so.
            gather(*(client.probe(path) for path in others)),
        )
        for kind, reply in zip(("no token", *bad), (nobody, *refusals), strict=True):
            expect(reply).that(f"{kind} opens nothing", not _succeeded(reply), seen=reply.status)
            if kind != UNSIGNED:  # which a firewall may refuse in words of its own
                expect_refused(reply)
        expect(nobody).status(401)
        let_in = [path for path, reply in zip(others, probed, strict=True) if _succeeded(reply)]
        expect_all(client).that("nobody is let in without a token", not let_in, seen=let_in)
        for probe in probed:
            if probe is not None and probe.status == 401 and probe.exchange.trouble is None:
                expect_refused(probe)

    @exclusive(last=True)
    @consequence(INVESTIGATE)
    async def test_rate_limiting_active(
        self, client: Client, neighbour: Account, burst_token: str
    ) -> None:
        """Who asks too much is held back, and told when to come again."""
        session = client.with_token(burst_token)
        first = await session.get("/api/auth/me", wait_if_throttled=False)
        if first.status == 429:  # a try before this one has used it up
            entry = await log_in(client, neighbour.email)
            expect(entry).succeeded()
            session = client.with_token(entry.read(str, "access_token"))
            first = await session.get("/api/auth/me", wait_if_throttled=False)
            expect(first).that("a new session may ask", first.status != 429, seen=first.status)
        expect(first).status(200)
        is_own = first.read(str, "id") == neighbour.user.id
        expect(first, or_else=ROLLBACK).that("a new session is one's own", is_own, seen=first.text)
        limit = _advertised_limit(first)
        if limit > self.rate_limit_cap:
            client.warn(f"the limit is said to be {limit}: too many requests to try it out")
            return
        replies = await self._burst(session, first, limit or self.rate_limit_cap)
        last = next((reply for reply in replies if reply.status == 429), replies[-1])
        expect(last).that(
            f"one of {len(replies)} requests is refused", last.status == 429, seen=last.status
        )
        pause_s, longest_s = last.retry_after_s or 0.0, self.retry_after_limit_s
        expect(last).that(
            f"Retry-After asks for a pause of at most {longest_s:g} s",
            0 < pause_s <= longest_s,
            seen=last.header("Retry-After") or "no such header",
        )

    async def _burst(self, session: Client, first: Reply, limit: int) -> list[Reply]:
        """Send what the limit allows in waves, then one by one; stop at the first 429."""
        replies = wave = [first]
        while len(replies) < self.rate_limit_cap and all(reply.status != 429 for reply in wave):
            size = min(max(1, limit - len(replies)), self.rate_limit_at_once)
            asked = (session.get("/api/auth/me", wait_if_throttled=False) for _ in range(size))
            wave = await gather(*asked)
            replies = replies + wave
        return replies

    async def test_cors_headers(self, client: Client) -> None:
        """Pages of the allowed origin may call, and foreign ones never in a user's name."""
        allowed, *foreign = await gather(
            *(_cross(client, origin) for origin in (self.allowed_origin, *self.foreign_origins))
        )
        for reply in chain(*foreign):
            origin = reply.header(ALLOWED_ORIGIN) or "no such header"
            in_their_name = reply.header("Access-Control-Allow-Credentials") == "true"
            expect(reply).that(
                "a foreign page may not call in a user's name",
                not (in_their_name and origin in ("*", *self.foreign_origins)),
                seen=f"{ALLOWED_ORIGIN}: {origin}",
            )
        for origin, (_, preflight) in zip(self.foreign_origins, foreign, strict=True):
            if not _names_nobody(preflight, origin):
                expect_refused(preflight, or_else=WARN)
        expect(allowed[0]).status(200)
        if self.cors == "optional" and allowed[0].header(ALLOWED_ORIGIN) is None:
            client.warn(f"no page of {self.allowed_origin} may call; is allowed_origin right?")
            return
        for reply in allowed:
            origin = reply.header(ALLOWED_ORIGIN) or "no such header"
            expect(reply).succeeded().that(
                f"pages of {self.allowed_origin} may call",
                origin in ("*", self.allowed_origin),
                seen=f"{ALLOWED_ORIGIN}: {origin}",
            )
        answered, preflight = allowed
        if any(reply.header(ALLOWED_ORIGIN) != origin for reply, _ in foreign):
            expect(answered, or_else=WARN).header("Vary", has="Origin")
        for name, needed in PREFLIGHT_NEEDS.items():
            said = (preflight.header(name) or "").lower()
            listed = {each.strip() for each in said.split(",")}
            holds = needed <= listed or "*" in listed
            expect(preflight, or_else=WARN).that(f"{name} has what pages send", holds, seen=said)

    async def test_security_headers(self, client: Client) -> None:
        """Browsers are told to be careful with the replies."""
        # A proxy may set them for some paths only. Whether there are plans is another check's.
        health, plans = await gather(client.get("/health"), client.probe(PLANS))
        expect(health).status(200)
        over_tls = client.settings.target.scheme == "https"
        for reply in (health, plans):
            if reply is not None and _succeeded(reply):
                self._expect_headers(reply, over_tls=over_tls)

    def _expect_headers(self, reply: Reply, *, over_tls: bool) -> None:
        required = self.required_headers + (self.required_headers_tls if over_tls else ())
        for means, headers in (INVESTIGATE, required), (WARN, self.wanted_headers):
            for header in headers:
                name, _, parts = header.partition(":")
                part = _said(reply.header(name) or "", parts.strip())
                expect(reply, or_else=means).header(name, has=part)
        hsts = reply.header("Strict-Transport-Security") or ""
        switched_off = re.search(r"max-age=\"?0+\b", hsts, re.IGNORECASE)  # RFC 6797, 6.1.1
        expect(reply, or_else=INVESTIGATE).that("HSTS is not off", not switched_off, seen=hsts)

    async def test_error_handling(self, client: Client) -> None:
        """Wrong requests are refused in good order, and without a look into the code."""
        unknown, wrong_method, malformed = replies = await gather(
            client.get(f"/api/{client.unique('nothing')}"),
            client.request("PUT", "/version"),
            client.post(
                "/api/auth/login",
                body=b'{"email": "a@',
                headers={"Content-Type": "application/json"},
            ),
        )
        for reply in replies:
            trace = TRACE.search(reply.text)
            expect(reply, or_else=INVESTIGATE).that(
                "no stack trace is shown", trace is None, seen=trace[0] if trace else ""
            )
        expect_refused(unknown, 404)
        expect(unknown).that("it is JSON", isinstance(unknown.json, dict))
        expect_refused(wrong_method, 405)
        expect(wrong_method, or_else=INVESTIGATE).header("Allow", has="GET")
        expect_refused(malformed)

    async def test_ssl_certificate(self, client: Client) -> None:
        """The certificate is good and stays so; nothing is served by less than TLS 1.2."""
        if client.settings.target.scheme != "https":
            client.skip("the target is not served over TLS")
        reply, old_tls_works, plain = await gather(
            client.get("/health", fresh=True),
            client.handshake(tls_max="1.1"),
            self._plain_http(client),
        )
        expect(reply).status(200)
        certificate = reply.exchange.certificate
        assert certificate, "a connection of its own shows the certificate"
        days = (ssl.cert_time_to_seconds(certificate.not_after) - time.time()) / DAY_S
        expect(reply, or_else=MONITOR).that(
            f"its certificate is good for {self.certificate_days:g} days more",
            days >= self.certificate_days,
            seen=f"{days:.1f} days, until {certificate.not_after}",
        )
        guarded = expect_all(client, or_else=INVESTIGATE)
        guarded.that("TLS older than 1.2 is refused", not old_tls_works)
        guarded.that("plain HTTP is refused or leads to TLS", not _succeeded(plain))

    async def _plain_http(self, client: Client) -> Reply | None:
        """Try to get the same without TLS."""
        target, port = client.settings.target, self.plain_http_port
        if port == 0 or (port == 80 and target.port not in (None, 443)):
            return None
        host = f"[{target.hostname}]" if ":" in (target.hostname or "") else target.hostname
        return await client.probe(f"http://{host}:{port}/health")


async def _cross(client: Client, origin: str) -> tuple[Reply, Reply]:
    """Call as a page of another origin, and ask first as its browser does (the Fetch standard)."""
    wanted = {"Access-Control-Request-Method": "GET"}
    return await gather(
        client.get("/health", headers={"Origin": origin}),
        client.request("OPTIONS", "/health", headers={"Origin": origin, **wanted}),
    )


def _names_nobody(preflight: Reply, origin: str) -> bool:
    """Whether it is answered as every preflight is, and lets nobody in: browsers go by that."""
    is_bare = _succeeded(preflight) and not preflight.body
    return is_bare and preflight.header(ALLOWED_ORIGIN) not in ("*", origin)


def _said(value: str, parts: str) -> str:
    """Give the one of several parts that a value has; all of them if it has none."""
    return next((part for part in parts.split(" or ") if part.lower() in value.lower()), parts)


def _succeeded(reply: Reply | None) -> bool:
    return reply is not None and 200 <= reply.status < 300


def _bad_tokens(token: str) -> dict[str, str]:
    """What must not pass for a token that is good, by name."""
    return {
        "a made-up token": "garbage",
        "a token with another signature": _tampered(token),
        UNSIGNED: _unsigned(token),
    }


def _unsigned(token: str) -> str:
    """The same token saying that it needs no signature (RFC 7519, 6), and without one."""
    header, _, rest = token.partition(".")
    try:
        said = msgspec.json.decode(urlsafe_b64decode(header + "=="), type=dict[str, Any])
    except (ValueError, RecursionError):
        said = {}  # it is of another kind
    unsigned = urlsafe_b64encode(msgspec.json.encode(said | {"alg": "none"}))
    return f"{unsigned.decode().rstrip('=')}.{rest.partition('.')[0]}."


def _tampered(token: str) -> str:
    """Change one character of a token, not the last: some of its bits may be padding."""
    at = max(0, len(token) - 8)
    return token[:at] + ("A" if token[at : at + 1] != "A" else "B") + token[at + 1 :]


def _advertised_limit(reply: Reply) -> int:
    """The smallest limit that a reply says, 0 if it says none."""
    said = (reply.header(name) or "" for name in LIMIT_HEADERS)
    return min((int(limit) for text in said for limit in LIMIT.findall(text)), default=0)
