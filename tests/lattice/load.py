"""Clients that write and read all the time, and count what is not answered as it should be."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import httpx2

from tests.lattice.in_process import PASSWORD
from tests.lattice.servers import assert_in_the_end

CLIENTS = 4


class Load:
    """Requests of several clients at once while the block lasts; `lost` says what went wrong.

    They go to `urls`, which may change meanwhile. Half of the clients keep their connections, half
    make one for each request; half of all requests create something, which no client sends twice.
    They trust who `ca_file` trusts.
    """

    def __init__(self, urls: Sequence[str], ca_file: Path | None = None) -> None:
        self.answered = 0
        self.lost: list[str] = []
        self._urls = urls
        self._trust = ssl.create_default_context(cafile=ca_file)
        self._in_use: Counter[str] = Counter()
        self._numbers = count()
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._call, args=(is_kept,))
            for is_kept in (False, True) * (CLIENTS // 2)
        ]

    def await_more(self, answers: int) -> None:
        """Wait until so many more requests have been answered."""
        wanted = self.answered + answers
        assert_in_the_end(lambda: self.answered >= wanted or bool(self.lost))

    def await_leaving(self, url: str) -> None:
        """Wait until no request is on its way to a URL that is no longer among those given."""
        assert_in_the_end(lambda: not self._in_use[url])

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.await_more(CLIENTS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _call(self, is_kept: bool) -> None:
        limits = httpx2.Limits(max_keepalive_connections=None if is_kept else 0)
        with httpx2.Client(limits=limits, verify=self._trust, timeout=60) as client:
            while not self._is_over.is_set():
                number = next(self._numbers)
                with self._lock:
                    url = self._urls[number // 2 % len(self._urls)]
                    self._in_use[url] += 1
                trouble = _send(client, url, creating=bool(number % 2))
                with self._lock:
                    self._in_use[url] -= 1
                    self.answered += 1
                    self.lost += [trouble] if trouble else []


def _send(client: httpx2.Client, url: str, *, creating: bool) -> str:
    """Send one request; returns what was wrong with its answer."""
    account = {"email": f"{uuid4()}@example.com", "password": PASSWORD, "tenant_name": "Load"}
    try:
        if creating:
            reply = client.post(f"{url}/api/auth/register", json=account)
        else:
            reply = client.get(f"{url}/api/plans")
    except httpx2.HTTPError as error:
        return repr(error)
    return "" if reply.is_success else f"{reply.status_code} {reply.text}"
