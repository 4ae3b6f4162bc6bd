"""What a member of a tenant may do there.

| role | may |
|---|---|
| viewer | see everything of the tenant and search its lattices |
| member | change lattices and webhooks too |
| owner | rename the tenant and change its subscription too |
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated

from fastapi import Depends

from lattice.errors import ForbiddenError
from lattice.security.caller import Transaction, Writing


class Role(StrEnum):
    """The roles, from the least to the most that they may."""

    VIEWER = "viewer"
    MEMBER = "member"
    OWNER = "owner"


RANKS = tuple(Role)


def _at_least(role: Role) -> Callable[[Transaction], Awaitable[Transaction]]:
    allowed = RANKS[RANKS.index(role) :]

    async def writing_with_role(transaction: Writing) -> Transaction:
        has = transaction.caller.role
        if has not in allowed:
            raise ForbiddenError(f"A {has} may not do this: it takes a role of {role}.")
        return transaction

    return writing_with_role


MemberWriting = Annotated[Transaction, Depends(_at_least(Role.MEMBER))]
OwnerWriting = Annotated[Transaction, Depends(_at_least(Role.OWNER))]
