"""What the checks share: an account that is only looked at, and how accounts are closed."""

from __future__ import annotations

from rpc import NO_SUCH_ACCOUNT, call, open_account, result_of

from smokegate import Client, removes, resource


@resource
async def savings(client: Client) -> str:
    """An account of 100.00, from which nobody takes and to which nobody gives."""
    return await open_account(client, 100_00)


@removes("account")
async def close_account(client: Client, account: str) -> bool:
    """Close an account with all that it holds; False if there is none."""
    closed = await call(client, "ledger.close", {"account": account})
    if closed.has("error") and closed.read(int, "error", "code") == NO_SUCH_ACCOUNT:
        return False
    result_of(closed, dict)
    return True
