"""The service that all tools verify: in memory, in a process of its own, broken on demand.

    python -m bench.time_to_verdict.backend      says its port, and serves until it is ended

A registration and a login take 50 ms and no processor time: somebody else's password hash.
`PUT /fault/NAME` breaks one thing, `PUT /fault/none` mends it, `GET /accounts` says who is there.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

PASSWORD_S = 0.05
BURST_LIMIT = 100
VERSION = "1.4.2"
# One for each check: what it is there to notice.
FAULTS = (
    "health",
    "version",
    "database",
    "metrics",
    "openapi",
    "unknown path",
    "headers",
    "anonymous",
    "wrong token",
    "limit",
    "login",
    "wrong password",
    "me",
    "validation",
    "lattice",
    "list",
    "path",
    "stranger",
    "removal",
    "webhook",
    "usage",
)


class Account:
    """Somebody who has registered, with what they own."""

    def __init__(self, email: str, password: str) -> None:
        self.email = email
        self.password = password
        self.lattices: dict[str, dict[str, Any]] = {}
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.limited_calls = 0
        self.calls = 0


class Service:
    """Everything that it knows, and the one fault that it has."""

    def __init__(self) -> None:
        self.fault = "none"
        self.accounts: dict[str, Account] = {}  # by address
        self.sessions: dict[str, Account] = {}  # by token

    def routes(self) -> list[Route]:
        """Every path, those that tests and the benchmark steer it by included."""
        return [
            Route("/fault/{name}", self.break_one, methods=["PUT"]),
            Route("/accounts", self.count),
            Route("/health", self.health),
            Route("/version", self.version),
            Route("/health/database", self.database),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
            Route("/api/auth/register", self.register, methods=["POST"]),
            Route("/api/auth/login", self.login, methods=["POST"]),
            Route("/api/auth/me", self.me),
            Route("/api/auth/me", self.leave, methods=["DELETE"]),
            Route("/api/lattices", self.lattices),
            Route("/api/lattices", self.make_lattice, methods=["POST"]),
            Route("/api/lattices/{id}", self.lattice),
            Route("/api/lattices/{id}", self.remove_lattice, methods=["DELETE"]),
            Route("/api/lattices/{id}/pathfind", self.pathfind, methods=["POST"]),
            Route("/api/webhooks", self.make_webhook, methods=["POST"]),
            Route("/api/webhooks/{id}", self.webhook),
            Route("/api/usage", self.usage),
            Route("/api/limited", self.limited),
        ]

    def has(self, fault: str) -> bool:
        return self.fault == fault

    async def break_one(self, request: Request) -> Response:
        self.fault = request.path_params["name"]
        self.accounts.clear()
        self.sessions.clear()
        return Response(status_code=204)

    async def count(self, _: Request) -> Response:
        return JSONResponse(sorted(self.accounts))

    async def health(self, _: Request) -> Response:
        status = "degraded" if self.has("health") else "healthy"
        headers = {} if self.has("headers") else {"X-Content-Type-Options": "nosniff"}
        body = {"status": status, "version": VERSION, "checks": {"database": "connected"}}
        return JSONResponse(body, headers=headers)

    async def version(self, _: Request) -> Response:
        return JSONResponse({"version": "1.4.1" if self.has("version") else VERSION})

    async def database(self, _: Request) -> Response:
        state = "disconnected" if self.has("database") else "connected"
        return JSONResponse({"database": state})

    async def metrics(self, _: Request) -> Response:
        name = "requests" if self.has("metrics") else "http_requests_total"
        return PlainTextResponse(f"# TYPE {name} counter\n{name} 7\n")

    async def openapi(self, _: Request) -> Response:
        version = "2.0" if self.has("openapi") else "3.1.0"
        return JSONResponse({"openapi": version, "paths": {"/health": {}}})

    async def register(self, request: Request) -> Response:
        wanted = await request.json()
        await asyncio.sleep(PASSWORD_S)
        account = Account(wanted["email"], wanted["password"])
        self.accounts[account.email] = account
        token = self._opened(account)
        return JSONResponse({"access_token": token, "email": account.email}, status_code=201)

    async def login(self, request: Request) -> Response:
        tried = await request.json()
        await asyncio.sleep(PASSWORD_S)
        account = self.accounts.get(tried["email"])
        is_right = account is not None and account.password == tried["password"]
        if account is None or not (is_right or self.has("wrong password")):
            raise HTTPException(401, "the address or the password is wrong")
        kind = "none" if self.has("login") else "bearer"
        return JSONResponse({"access_token": self._opened(account), "token_type": kind})

    def _opened(self, account: Account) -> str:
        token = secrets.token_hex(16)
        self.sessions[token] = account
        return token

    def _account(self, request: Request, fault: str) -> Account:
        """Whose token it is; with the fault, anybody's will do."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        account = self.sessions.get(token)
        if account is None and self.has(fault):
            return Account("anybody@example.com", "")
        if account is None:
            raise HTTPException(401, "log in first", {"WWW-Authenticate": "Bearer"})
        account.calls += 1
        return account

    async def me(self, request: Request) -> Response:
        account = self._account(request, "anonymous")
        return JSONResponse({"email": "else@example.com" if self.has("me") else account.email})

    async def leave(self, request: Request) -> Response:
        account = self._account(request, "")
        del self.accounts[account.email]
        self.sessions = {t: each for t, each in self.sessions.items() if each is not account}
        return Response(status_code=204)

    async def lattices(self, request: Request) -> Response:
        owned = list(self._account(request, "wrong token").lattices.values())
        return JSONResponse({"items": [] if self.has("list") else owned, "total": len(owned)})

    async def make_lattice(self, request: Request) -> Response:
        account, wanted = self._account(request, ""), await request.json()
        if "name" not in wanted and not self.has("validation"):
            raise HTTPException(422, "name is missing")
        made = {"id": secrets.token_hex(8), **wanted}
        account.lattices[made["id"]] = made
        return JSONResponse(made, status_code=201)

    def _lattice(self, request: Request) -> dict[str, Any]:
        account = self._account(request, "")
        everyone = list(self.accounts.values()) if self.has("stranger") else [account]
        for each in everyone:
            if found := each.lattices.get(request.path_params["id"]):
                return found
        raise HTTPException(404, "there is no such lattice")

    async def lattice(self, request: Request) -> Response:
        found = self._lattice(request)
        return JSONResponse(found | ({"name": "another"} if self.has("lattice") else {}))

    async def remove_lattice(self, request: Request) -> Response:
        found = self._lattice(request)
        if self.has("removal"):
            raise HTTPException(500, "the database does not answer")
        del self._account(request, "").lattices[found["id"]]
        return Response(status_code=204)

    async def pathfind(self, request: Request) -> Response:
        """Along one axis, then along the other: what is asked for has nothing in the way."""
        self._lattice(request)
        asked = await request.json()
        (x, y), (to_x, to_y) = asked["start"], asked["end"]
        path = [[each, y] for each in range(x, to_x + 1)]
        path += [[to_x, each] for each in range(y + 1, to_y + 1)]
        length = len(path) - 1
        path = path[:2] + path[3:] if self.has("path") else path
        return JSONResponse({"reachable": True, "length": length, "path": path})

    async def make_webhook(self, request: Request) -> Response:
        made = {"id": secrets.token_hex(8), **await request.json()}
        self._account(request, "").webhooks[made["id"]] = made
        return JSONResponse(made, status_code=201)

    async def webhook(self, request: Request) -> Response:
        found = self._account(request, "").webhooks[request.path_params["id"]]
        return JSONResponse(found | ({"events": []} if self.has("webhook") else {}))

    async def usage(self, request: Request) -> Response:
        calls = self._account(request, "").calls
        return JSONResponse({"totals": {"calls": 0 if self.has("usage") else calls}})

    async def limited(self, request: Request) -> Response:
        account = self._account(request, "")
        account.limited_calls += 1
        if account.limited_calls > BURST_LIMIT and not self.has("limit"):
            raise HTTPException(429, "too many", {"Retry-After": "60"})
        return JSONResponse({"left": BURST_LIMIT - account.limited_calls})


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    body = {"status": error.status_code, "detail": error.detail}
    return JSONResponse(
        body, error.status_code, error.headers, media_type="application/problem+json"
    )


def app() -> Starlette:
    service = Service()

    async def not_there(request: Request, error: Exception) -> Response:
        is_hidden = service.has("unknown path") and request.url.path == "/nowhere"
        return PlainTextResponse("welcome") if is_hidden else await _refused(request, error)

    handlers: Any = {404: not_there, HTTPException: _refused}
    return Starlette(routes=service.routes(), exception_handlers=handlers)


def main() -> None:
    """Serve on a free port, which is said on standard output, until the process is ended."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    # Inherited by each connection; without it every body waits 40 ms for its head's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app(), log_level="warning", access_log=False, timeout_keep_alive=60)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
