"""Passwords, kept as argon2id hashes (RFC 9106) and never where the event loop would wait."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2.profiles import RFC_9106_LOW_MEMORY
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.requests import Request

from lattice.settings import Settings

T = TypeVar("T")


class Passwords:
    """Hashes and verifies, at most `password_workers` at once: a flood of logins has to queue."""

    def __init__(self, settings: Settings) -> None:
        self._hasher = Argon2Hasher(
            time_cost=settings.password_time_cost,
            memory_cost=settings.password_memory_kib,
            parallelism=settings.password_lanes,
        )
        self._nobodys_hash = _nobodys_hash(settings)
        self._workers = ThreadPoolExecutor(settings.password_workers, "password")

    async def hash(self, password: str) -> str:
        """Return a salted hash in PHC format."""
        return await self._in_thread(self._hasher.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Tell whether the password is the right one.

        Takes as long without a hash (nobody has this address) as with one, so that the time of
        an answer does not tell who has an account.
        """
        matches = await self._in_thread(
            self._hasher.verify, password, password_hash or self._nobodys_hash
        )
        return matches and password_hash is not None

    async def renewed(self, password: str, password_hash: str) -> str | None:
        """Return a hash of today's costs, None if this one of the same password has them."""
        if not self._hasher.check_needs_rehash(password_hash):
            return None
        return await self.hash(password)

    def close(self) -> None:
        """End the threads; what still waits is given up."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: Callable[..., T], *arguments: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *arguments)


def _nobodys_hash(settings: Settings) -> str:
    """Return a hash that costs as much as a real one and that no password has."""
    costs = (
        f"m={settings.password_memory_kib},t={settings.password_time_cost}"
        f",p={settings.password_lanes}"
    )
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (RFC_9106_LOW_MEMORY.salt_len, RFC_9106_LOW_MEMORY.hash_len)
    )
    return f"$argon2id$v=19${costs}${salt}${digest}"


def passwords_of(request: Request) -> Passwords:
    """Return the password hasher of the application that serves this request."""
    passwords: Passwords = request.app.state.passwords
    return passwords
