"""Making a thing once per key (draft-ietf-httpapi-idempotency-key-header-07).

The key is written first, in the transaction that makes the thing: of two requests with one key the
second waits until the first is committed and answers what that one answered. What is refused
leaves no key behind.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import insert_into, now
from lattice.errors import InvalidError
from lattice.idempotency.tables import idempotency_keys
from lattice.security.caller import Caller, Transaction

KEPT_FOR = timedelta(days=1)
KEY_CHARACTERS_MAX = 255


@dataclass(frozen=True, slots=True)
class Made:
    """What was made: how it is said, and where it is."""

    reply: BaseModel
    location: str | None = None


class Once:
    """One request that makes something, with its key if it has one."""

    def __init__(self, key: str | None, fingerprint: str) -> None:
        self._key = key
        self._fingerprint = fingerprint

    async def answer(
        self,
        transaction: Transaction,
        make: Callable[[], Awaitable[Made]],
        *,
        status: int,
    ) -> Response:
        """Make it, or answer as before; `InvalidError` if the key was for something else."""
        if self._key is None:
            return _response(await make(), status)
        connection, caller = transaction
        mine = (
            idempotency_keys.c.tenant_id == caller.tenant_id,
            idempotency_keys.c.key == self._key,
        )
        if not await self._is_new(connection, caller, self._key):
            row = (await connection.execute(select(idempotency_keys).where(*mine))).one()
            return self._replay(row, status)
        made = await make()
        response = _response(made, status)
        values = {"reply": bytes(response.body).decode(), "location": made.location}
        await connection.execute(update(idempotency_keys).where(*mine).values(values))
        return response

    async def _is_new(self, connection: AsyncConnection, caller: Caller, key: str) -> bool:
        new = insert_into(connection.dialect, idempotency_keys).values(
            tenant_id=caller.tenant_id,
            key=key,
            fingerprint=self._fingerprint,
            created_at=now(),
        )
        written = await connection.execute(new.on_conflict_do_nothing())
        return written.rowcount == 1

    def _replay(self, row: Row[Any], status: int) -> Response:
        if row.fingerprint != self._fingerprint:
            words = "was used for another request"
            raise InvalidError({"idempotency-key": words})
        response = _reply(row.reply, row.location, status)
        response.headers["Idempotent-Replayed"] = "true"
        return response


def _response(made: Made, status: int) -> Response:
    return _reply(made.reply.model_dump_json(by_alias=True), made.location, status)


def _reply(content: str, location: str | None, status: int) -> Response:
    headers = {"Location": location} if location else {}
    return Response(content, status, headers, "application/json")


async def _once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=KEY_CHARACTERS_MAX,
            pattern=r"^[\x21-\x7e]+$",
            description="Makes it once, however often it is sent: for a day, the same key gives "
            "the same answer. Another body under the same key is refused.",
            examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
        ),
    ] = None,
) -> Once:
    asked = f"{request.method} {request.url.path}\n".encode() + await request.body()
    return Once(idempotency_key, sha256(asked).hexdigest())


OnlyOnce = Annotated[Once, Depends(_once)]


async def remove_old_keys(connection: AsyncConnection) -> int:
    """Remove keys that have been kept long enough, of all tenants; return how many."""
    old = idempotency_keys.c.created_at <= now() - KEPT_FOR
    return (await connection.execute(delete(idempotency_keys).where(old))).rowcount
