"""Transfers of libcurl on asyncio, none of which is forgotten on a connection that it shares."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pycurl


class Multi:
    """Performs transfers; those to a target that multiplexes share a connection.

    pycurl's `AsyncCurlMulti` goes by events alone, as libcurl has it. But over TLS libcurl 8 reads
    ahead: where one read brings the replies to many requests, one of them may still lie in its
    buffers when the others have ended. No event follows, since nothing more comes, and a request
    that was answered would time out (seen in one of 750 bursts of 60 requests). So here a socket is
    acted upon for as long as that ends something.
    """

    def __init__(self, *, max_connections: int) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, max_connections)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._ends: dict[pycurl.Curl, asyncio.Future[None]] = {}
        self._watched: set[int] = set()
        self._timer: asyncio.Handle | None = None

    async def perform(self, curl: pycurl.Curl) -> None:
        """Perform one transfer; raises `pycurl.error` where it comes to nothing."""
        self._multi.add_handle(curl)
        end = self._ends[curl] = asyncio.get_running_loop().create_future()
        try:
            await end
        finally:
            if curl in self._ends:
                self._remove(curl)

    def close(self) -> None:
        """Close every connection; what is under way ends as cancelled."""
        for curl in list(self._ends):
            self._remove(curl).cancel()
        for fd in list(self._watched):
            self._watch(pycurl.POLL_REMOVE, fd)
        self._multi.close()
        self._set_timer(-1)

    def _watch(self, what: int, fd: int, *_: object) -> None:
        """Wait for what libcurl wants to know of a socket."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(fd)
        loop.remove_writer(fd)
        if what & pycurl.POLL_IN:
            loop.add_reader(fd, self._act, fd, pycurl.CSELECT_IN)
        if what & pycurl.POLL_OUT:
            loop.add_writer(fd, self._act, fd, pycurl.CSELECT_OUT)
        (self._watched.discard if what == pycurl.POLL_REMOVE else self._watched.add)(fd)

    def _set_timer(self, after_ms: int) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None
        if after_ms >= 0:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(after_ms / 1000, self._act, pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, fd: int, event: int) -> None:
        """Let libcurl do what an event or a time calls for, and look whether it left something."""
        try:
            self._multi.socket_action(fd, event)
            while self._collect() and self._ends:
                for each in [fd] if event else list(self._watched):
                    self._multi.socket_action(each, pycurl.CSELECT_IN)
        except pycurl.error as error:  # it is in no state to end anything, and no target did that
            for curl in list(self._ends):
                self._end(curl, pycurl.error(pycurl.E_FAILED_INIT, error.args[-1]))

    def _collect(self) -> int:
        """Tell who waits for them what transfers have come to; how many have ended."""
        _, done, failed = self._multi.info_read()
        for curl in done:
            self._end(curl, None)
        for curl, code, words in failed:
            self._end(curl, pycurl.error(code, words))
        return len(done) + len(failed)

    def _end(self, curl: pycurl.Curl, error: Exception | None) -> None:
        end = self._remove(curl)
        if end.done():  # whoever waited for it was cancelled
            return
        if error:
            end.set_exception(error)
        else:
            end.set_result(None)

    def _remove(self, curl: pycurl.Curl) -> asyncio.Future[None]:
        with suppress(pycurl.error):
            self._multi.remove_handle(curl)
        return self._ends.pop(curl)
