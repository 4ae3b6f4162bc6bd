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
from lattice.security.caller import Caller, CurrentCaller


class Role(StrEnum):
    """The roles, from the least to the most that they may."""

    VIEWER = "viewer"
    MEMBER = "member"
    OWNER = "owner"


RANKS = tuple(Role)


def _at_least(role: Role) -> Callable[[Caller], Awaitable[Caller]]:
    allowed = RANKS[RANKS.index(role) :]

    async def caller_with_role(caller: CurrentCaller) -> Caller:
        if caller.role not in allowed:
            raise ForbiddenError(f"A {caller.role} may not do this: it takes a role of {role}.")
        return caller

    return caller_with_role


Member = Annotated[Caller, Depends(_at_least(Role.MEMBER))]
Owner = Annotated[Caller, Depends(_at_least(Role.OWNER))]
