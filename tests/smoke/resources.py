"""What the checks share: accounts, made once per run and removed at its end.

A tenant and all that it owns go with its account, so accounts are all that has to be removed.
"""

from __future__ import annotations

from dataclasses import dataclass

from contract import Tenant, Tokens, User

from smokegate import INVESTIGATE, ROLLBACK, Client, Reply, expect, removes, resource


@dataclass(frozen=True)
class Account:
    """Somebody who has registered, with a tenant of their own."""

    email: str
    tokens: Tokens
    user: User
    tenant: Tenant

    @property
    def token(self) -> str:
        """What opens the service to them."""
        return self.tokens.access_token


@resource
async def member(client: Client) -> Account:
    """The account that most checks act as; nothing that counts or changes its plan."""
    return await register(client)


@resource
async def stranger(client: Client) -> Account:
    """Somebody of another tenant, who must not see what is the member's."""
    return await register(client)


@resource
async def neighbour(client: Client) -> Account:
    """Somebody of a third tenant, for some checks: the member alone would ask too much."""
    return await register(client)


@resource
async def burst_token(client: Client, neighbour: Account) -> str:
    """A second session of the neighbour: a burst on it locks out nobody."""
    entry = await log_in(client, neighbour.email)
    expect(entry).succeeded()
    return entry.read(Tokens).access_token


# Of the accounts that this process has made: removing them hashes no password again.
TOKENS: dict[str, str] = {}


@removes("account")
async def remove_account(client: Client, email: str) -> bool:
    """Remove the account, logging in where that is needed; who cannot log in is not there."""
    token = TOKENS.pop(email, "")  # if it has lost its worth, the second try logs in
    if not token:
        entry = await log_in(client, email)
        if entry.status == 401:
            return False
        expect(entry).succeeded()
        token = entry.read(str, "access_token")
    expect(await client.with_token(token).delete("/api/auth/me")).succeeded()
    return True


async def register(client: Client) -> Account:
    """Make an account under an address that nobody else makes up."""
    email = client.email()
    reply = await sign_up(client, email)
    expect(reply).succeeded()
    tokens = reply.read(Tokens)
    TOKENS[email] = tokens.access_token
    # Most checks need the tokens only: a flaw in the rest is no reason to roll back.
    user = reply.read(User, "user", or_else=INVESTIGATE)
    tenant = reply.read(Tenant, "tenant", or_else=INVESTIGATE)
    is_theirs = user.email == email.lower()
    expect(reply, or_else=ROLLBACK).that("it is under their address", is_theirs, seen=user.email)
    return Account(email, tokens, user, tenant)


async def sign_up(client: Client, email: str) -> Reply:
    """Ask for an account, and note that it is to be removed before the request is sent."""
    application = {
        "email": email,
        "password": client.settings.test_password,
        "tenant_name": client.unique("smoke"),
    }
    return await client.post("/api/auth/register", json=application, creates=("account", email))


async def log_in(client: Client, email: str, password: str = "") -> Reply:
    """Try a password on an account, by default the one that it was made with."""
    credentials = {"email": email, "password": password or client.settings.test_password}
    return await client.post("/api/auth/login", json=credentials)
