"""The same requests by asyncio, libcurl and msgspec alone: what no tool on them can beat.

Nothing is demanded of a reply, recorded, judged or written; what goes wrong ends in a traceback.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import msgspec
import pycurl

PUBLIC = ("/health", "/version", "/health/database", "/metrics", "/openapi.json", "/nowhere")
HOOK = {"url": "https://hooks.example.com/", "events": ["lattice.created"]}
WAY = {"start": [0, 0], "end": [3, 2]}


class Target:
    """Where to ask, over one connection."""

    def __init__(self, url: str, ca_file: str) -> None:
        self._url = url
        self._ca_file = ca_file
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._ends: dict[pycurl.Curl, asyncio.Future[None]] = {}
        self._timer: asyncio.Handle | None = None

    async def ask(self, method: str, path: str, token: str = "", sent: object = None) -> Any:
        """Send a request; what came back, as plain data where it is an object of JSON."""
        curl, chunks = pycurl.Curl(), list[bytes]()
        curl.setopt(pycurl.URL, self._url + path)
        curl.setopt(pycurl.CAINFO, self._ca_file)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.PIPEWAIT, 1)
        curl.setopt(pycurl.WRITEFUNCTION, chunks.append)
        headers = ["Content-Type: application/json"]
        if token:
            headers.append(f"Authorization: Bearer {token}")
        if sent is not None:
            curl.setopt(pycurl.POSTFIELDS, msgspec.json.encode(sent))
        curl.setopt(pycurl.HTTPHEADER, headers)
        curl.setopt(pycurl.CUSTOMREQUEST, method)
        self._multi.add_handle(curl)
        end = self._ends[curl] = asyncio.get_running_loop().create_future()
        await end
        body = b"".join(chunks)
        return msgspec.json.decode(body) if body.startswith(b"{") else body

    def _watch(self, what: int, fd: int, *_: object) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(fd)
        loop.remove_writer(fd)
        if what & pycurl.POLL_IN:
            loop.add_reader(fd, self._act, fd, pycurl.CSELECT_IN)
        if what & pycurl.POLL_OUT:
            loop.add_writer(fd, self._act, fd, pycurl.CSELECT_OUT)

    def _set_timer(self, after_ms: int) -> None:
        if self._timer:
            self._timer.cancel()
        if after_ms >= 0:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(after_ms / 1000, self._act, pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, fd: int, event: int) -> None:
        self._multi.socket_action(fd, event)
        while self._collect():
            if event:  # of what it has read ahead, libcurl tells nobody
                self._multi.socket_action(fd, pycurl.CSELECT_IN)

    def _collect(self) -> bool:
        _, done, failed = self._multi.info_read()
        for curl in done:
            self._multi.remove_handle(curl)
            self._ends.pop(curl).set_result(None)
        for curl, code, words in failed:
            self._ends.pop(curl).set_exception(pycurl.error(code, words))
        return bool(done or failed)


async def main(target: Target) -> None:
    """Send each request as soon as what it needs is there."""
    ask, mine = target.ask, {"email": f"{os.getpid()}@example.com", "password": "right"}

    async def register(sent: dict[str, str]) -> str:
        return str((await ask("POST", "/api/auth/register", sent=sent))["access_token"])

    public = [asyncio.ensure_future(ask("GET", path)) for path in (*PUBLIC, "/health")]
    public += [asyncio.ensure_future(ask("GET", "/api/auth/me"))]
    public += [asyncio.ensure_future(ask("GET", "/api/lattices", "made-up-token"))]
    tokens = await asyncio.gather(
        *(register(mine | {"email": f"{number}-{mine['email']}"}) for number in range(3))
    )
    member, stranger, caller = tokens
    await asyncio.gather(
        *public,
        _log_in(target, mine | {"email": f"0-{mine['email']}"}),
        _use(target, member, stranger),
        _burst(target, caller),
    )
    await asyncio.gather(*(ask("DELETE", "/api/auth/me", token) for token in tokens))


async def _log_in(target: Target, right: dict[str, str]) -> None:
    wrong = target.ask("POST", "/api/auth/login", sent=right | {"password": "wrong"})
    refused = asyncio.ensure_future(wrong)
    session = await target.ask("POST", "/api/auth/login", sent=right)
    await target.ask("GET", "/api/auth/me", session["access_token"])
    await refused


async def _use(target: Target, member: str, stranger: str) -> None:
    ask = target.ask

    async def make_and_look() -> None:
        made = await ask("POST", "/api/lattices", member, {"name": "grid"})
        path = f"/api/lattices/{made['id']}"
        await asyncio.gather(
            *(ask("GET", each, member) for each in (path, "/api/lattices")),
            ask("GET", path, stranger),
            ask("POST", f"{path}/pathfind", member, WAY),
        )

    async def make_and_remove() -> None:
        made = await ask("POST", "/api/lattices", stranger, {"name": "short-lived"})
        await ask("DELETE", f"/api/lattices/{made['id']}", stranger)

    async def hook() -> None:
        made = await ask("POST", "/api/webhooks", member, HOOK)
        await ask("GET", f"/api/webhooks/{made['id']}", member)

    await asyncio.gather(
        make_and_look(),
        make_and_remove(),
        hook(),
        *(ask("GET", path, member) for path in ("/api/auth/me", "/api/usage")),
        ask("POST", "/api/lattices", member, {}),
    )


async def _burst(target: Target, caller: str) -> None:
    for _ in range(2):
        await asyncio.gather(*(target.ask("GET", "/api/limited", caller) for _ in range(75)))


if __name__ == "__main__":
    asyncio.run(main(Target(os.environ["PRODUCTION_URL"], os.environ["CA_FILE"])))
    os._exit(0)
