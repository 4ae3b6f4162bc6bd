"""What the checks share: three accounts and a lattice."""

from __future__ import annotations

from typing import Any

from smokegate import Client, expect, removes, resource

# What a run knows of its own accounts; `smokegate sweep` has to log in.
TOKENS: dict[str, str] = {}


@resource
async def member(client: Client) -> tuple[str, str]:
    """The address and the token of whoever most checks act as."""
    return await register(client)


@resource
async def stranger(client: Client) -> str:
    """The token of somebody who must not see what is the member's."""
    return (await register(client))[1]


@resource
async def caller(client: Client) -> str:
    """The token of somebody whose limit is used up."""
    return (await register(client))[1]


@resource
async def lattice(client: Client, member: tuple[str, str]) -> dict[str, Any]:
    """A lattice of the member's."""
    wanted = {"name": "grid", "dimensions": [10, 10], "obstacles": [[5, 5]]}
    reply = await client.with_token(member[1]).post("/api/lattices", json=wanted)
    expect(reply).status(201).json("name", equals="grid")
    return dict(reply.read(dict))


async def register(client: Client) -> tuple[str, str]:
    email = client.email()
    wanted = {"email": email, "password": client.settings.test_password}
    reply = await client.post("/api/auth/register", json=wanted, creates=("account", email))
    expect(reply).status(201).json("email", equals=email)
    TOKENS[email] = reply.read(str, "access_token")
    return email, TOKENS[email]


@removes("account")
async def remove_account(client: Client, email: str) -> bool:
    """Remove an account; one that cannot be logged in to is not there."""
    if email not in TOKENS:
        wanted = {"email": email, "password": client.settings.test_password}
        reply = await client.post("/api/auth/login", json=wanted)
        if reply.status == 401:
            return False
        TOKENS[email] = reply.read(str, "access_token")
    removed = await client.with_token(TOKENS[email]).delete("/api/auth/me")
    expect(removed).status(204)
    return True
