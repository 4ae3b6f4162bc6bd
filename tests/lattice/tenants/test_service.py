from uuid import uuid4

import pytest
from lattice.database import EVERY_TENANT
from lattice.errors import NotFoundError
from lattice.security.caller import Caller
from lattice.tenants import service
from lattice.tenants.schemas import Tenant

from tests.lattice.in_process import Account, Lattice


def caller_of(account: Account) -> Caller:
    return Caller(account.user["id"], account.tenant["id"], "owner", "session")


def test_another_tenant_is_not_touched_even_before_the_refusal(lattice: Lattice) -> None:
    caller, other = caller_of(lattice.register("ada")), lattice.register("bob")

    async def scenario() -> Tenant:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            with pytest.raises(NotFoundError):
                await service.rename_tenant(connection, caller, other.tenant["id"], "Taken over")
            # Seen in the same transaction, which the refusal of a route would take back.
            return await service.get_tenant(connection, caller_of(other), other.tenant["id"])

    assert lattice.do(scenario()).name == other.tenant["name"]


def test_a_tenant_begins_on_the_free_plan(lattice: Lattice) -> None:
    async def scenario() -> Tenant:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            return await service.create_tenant(connection, str(uuid4()), "Ada Ltd")

    tenant = lattice.do(scenario())
    assert (tenant.name, tenant.plan) == ("Ada Ltd", "free")


def test_only_the_callers_tenant_is_deleted(lattice: Lattice) -> None:
    account, other = lattice.register("ada"), lattice.register("bob")

    async def scenario() -> list[Tenant]:
        async with lattice.database.writing(EVERY_TENANT) as connection:
            await service.delete_tenant(connection, caller_of(account))
            with pytest.raises(NotFoundError):
                await service.list_tenants(connection, caller_of(account))
            return await service.list_tenants(connection, caller_of(other))

    assert [tenant.id for tenant in lattice.do(scenario())] == [other.tenant["id"]]
