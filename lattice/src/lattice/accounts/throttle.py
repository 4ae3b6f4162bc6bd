"""Failures are counted, so that neither passwords nor addresses can be tried out at will.

| what is counted in a window | when it is used up |
|---|---|
| failed logins of one address at one account | this address waits for this account |
| all failures of one address, registrations of taken addresses too | this address waits |
| failed logins of all addresses at one account | who has failed at it in the window waits |
| mails of one address to one person, in an hour | this address waits, to register this person |
| mails of all addresses to one person, in an hour | who has caused one in the hour waits |

Nobody can lock the owner of an account out: an address that has not failed at it is let in with the
right password however many others fail, and who has failed waits until the end of a window.

What has no account is counted just as what has one, and while someone waits no password is looked
at, so that a 429 tells nothing either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from lattice.errors import TooManyRequestsError
from lattice.settings import Settings
from lattice.windows import Quota, Usage, Windows

ACCOUNT = "account"
# Who registers causes a mail, to whomever they name.
MAILS_PAIR = 3
MAILS_PERSON = 10
MAILS_WINDOW_S = 3600


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login or a registration that may fail; who fails at an account comes first in `quotas`."""

    windows: Windows
    quotas: Sequence[Quota]

    async def check(self) -> None:
        """Return if it may be made, raise `TooManyRequestsError` if it has to wait."""
        _demand_no_wait(await self.windows.look(self.quotas), now_failed=0)

    async def fail(self) -> None:
        """Count its failure; raises `TooManyRequestsError` if it should have waited."""
        _demand_no_wait(await self.windows.hit(self.quotas), now_failed=1)


class Throttle:
    """Says how often may be failed."""

    def __init__(self, settings: Settings, windows: Windows) -> None:
        self._settings = settings
        self._windows = windows

    def login(self, account_key: str, address: str) -> Attempt:
        """Return an attempt to log in to an account, be there one or not."""
        settings = self._settings
        account = _digest(account_key)
        pair = self._quota("pair", f"{account}:{address}", settings.login_limit_pair)
        wide = self._quota(ACCOUNT, account, settings.login_limit_account)
        return Attempt(self._windows, (pair, self._of_address(address), wide))

    def registration(self, address: str) -> Attempt:
        """Return an attempt to register or to confirm that, which fails for who is not let in."""
        return Attempt(self._windows, (self._of_address(address),))

    def mail(self, mailbox_key: str, address: str) -> Attempt:
        """Return an attempt to register that causes a mail; it counts as failed whatever comes."""
        person = _digest(mailbox_key)
        pair = Quota("pair", f"mails:pair:{person}:{address}", MAILS_PAIR, MAILS_WINDOW_S)
        wide = Quota(ACCOUNT, f"mails:{ACCOUNT}:{person}", MAILS_PERSON, MAILS_WINDOW_S)
        return Attempt(self._windows, (pair, self._of_address(address), wide))

    def _of_address(self, address: str) -> Quota:
        return self._quota("address", address, self._settings.login_limit_address)

    def _quota(self, policy: str, partition: str, limit: int) -> Quota:
        partition = f"failures:{policy}:{partition}"
        return Quota(policy, partition, limit, self._settings.login_window_s)


def _digest(account_key: str) -> str:
    # An address of a person is nothing to be kept, in Redis even.
    return sha256(account_key.encode()).hexdigest()


def _demand_no_wait(usages: Sequence[Usage], *, now_failed: int) -> None:
    wait_s = max((_wait_s(usage, usages[0], now_failed) for usage in usages), default=0)
    if wait_s:
        words = f"Too many attempts: come back in {wait_s} s."
        raise TooManyRequestsError(words, retry_after_s=wait_s)


def _wait_s(usage: Usage, own: Usage, now_failed: int) -> int:
    """Return how long this usage makes an attempt wait; `own` are the failures of who makes it."""
    if usage.used - now_failed < usage.quota.limit:
        return 0
    if usage.quota.policy != ACCOUNT:
        return usage.resets_in_s
    return min(usage.resets_in_s, own.resets_in_s) if own.used > now_failed else 0
