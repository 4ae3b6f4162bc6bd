"""What happens to the requests of one connection, one after the other."""
# `_of_kind` takes abstract kinds: it only asks isinstance, it never makes one.
# mypy: disable-error-code="type-abstract"

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

import h11

from smokegate.fault_proxy.client_link import BodyTooLargeError, ClientLink
from smokegate.fault_proxy.deliveries import Delivery, Whole
from smokegate.fault_proxy.edits import ReplyEdit
from smokegate.fault_proxy.faults import Fault
from smokegate.fault_proxy.messages import Reply, Request
from smokegate.fault_proxy.record import Record, SeenRequest, Strike
from smokegate.fault_proxy.substitutes import EditRequest, Latency, SendTo, Substitute
from smokegate.fault_proxy.upstream_link import Upstream, UpstreamLink, UpstreamLinks

Kind = TypeVar("Kind")


class Conversation:
    """Serves the requests of one client connection over upstream connections taken for it.

    Of several faults that strike one request: every edit and every delay is applied, in the
    order set; the first substitute, the first other upstream and the first delivery decide.
    """

    def __init__(
        self,
        link: ClientLink,
        upstream: Upstream,
        record: Record,
        links: UpstreamLinks,
    ) -> None:
        self._link = link
        self._upstream = upstream
        self._record = record
        self._links = links
        self._upstream_links: dict[Upstream, UpstreamLink] = {}

    async def serve(self, request: Request, faults: Sequence[Fault]) -> None:
        """Answer one request as the faults want it; raises OSError when the client leaves."""
        self._record.received.append(SeenRequest.of(request, request.connection))
        started_s = asyncio.get_running_loop().time()
        reply = await self._reply(request, faults)
        await self._delay(request, faults, asyncio.get_running_loop().time() - started_s)
        reply = self._edited(request, reply, faults).framed(request.method)
        await self._delivery(request, reply, faults).deliver(self._link, request, reply)

    async def aclose(self) -> None:
        """Give the upstream connections back."""
        for upstream, link in self._upstream_links.items():
            await self._links.give_back(upstream, link)

    async def _reply(self, request: Request, faults: Sequence[Fault]) -> Reply:
        for fault, substitute in _of_kind(faults, Substitute):
            self._strike(fault, request)
            return substitute.reply(request)
        for _, delivery in _of_kind(faults, Delivery)[:1]:
            if not delivery.upstream_sees:
                return Reply(status=200)
        return await self._ask_upstream(self._edited_request(request, faults), faults)

    def _edited_request(self, request: Request, faults: Sequence[Fault]) -> Request:
        for fault, edit in _of_kind(faults, EditRequest):
            edited = edit.edit(request)
            if edited != request:
                self._strike(fault, request)
            request = edited
        if _of_kind(faults, ReplyEdit):
            # Edits look at plain bodies; other replies may stay as the upstream packs them.
            request = request.with_header("Accept-Encoding", "identity")
        return request

    async def _ask_upstream(self, request: Request, faults: Sequence[Fault]) -> Reply:
        upstream = self._upstream
        for fault, send_to in _of_kind(faults, SendTo)[:1]:
            self._strike(fault, request)
            upstream = send_to.upstream
        link = self._upstream_links.get(upstream)
        if link is None:
            link = self._links.take(upstream)
            self._upstream_links[upstream] = link
        request = upstream.addressed(request)
        try:
            connection = await link.connect()
            self._record.forwarded.append(SeenRequest.of(request, connection))
            return upstream.returned(await link.exchange(request))
        except (OSError, h11.RemoteProtocolError, BodyTooLargeError) as failure:
            await link.close()
            self._record.upstream_failures.append(f"{request.method} {request.target}: {failure!r}")
            return Reply(status=502, headers=(("Content-Type", "text/plain"),), body=b"upstream\n")

    async def _delay(self, request: Request, faults: Sequence[Fault], took_s: float) -> None:
        for fault, latency in _of_kind(faults, Latency):
            self._strike(fault, request)
            await asyncio.sleep(latency.delay_s(took_s))

    def _edited(self, request: Request, reply: Reply, faults: Sequence[Fault]) -> Reply:
        for fault, edit in _of_kind(faults, ReplyEdit):
            edited = edit.edit(request, reply)
            if edited != reply:
                self._strike(fault, request)
            reply = edited
        return reply

    def _delivery(self, request: Request, reply: Reply, faults: Sequence[Fault]) -> Delivery:
        for fault, delivery in _of_kind(faults, Delivery)[:1]:
            if reply.body or not delivery.needs_body:
                self._strike(fault, request)
                return delivery
        return Whole()

    def _strike(self, fault: Fault, request: Request) -> None:
        self._record.strikes.append(Strike(fault, request.connection, request.number))


def _of_kind(faults: Sequence[Fault], kind: type[Kind]) -> list[tuple[Fault, Kind]]:
    """Return the faults whose action is of this kind, with the action."""
    return [(fault, fault.action) for fault in faults if isinstance(fault.action, kind)]
