"""What can be done with tenants; each function sees only those of its caller."""

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lattice.database import now
from lattice.errors import NotFoundError
from lattice.security.caller import Caller
from lattice.tenants.schemas import Tenant
from lattice.tenants.tables import tenants

FIRST_PLAN = "free"
TENANT = select(tenants).where(
    tenants.c.id == bindparam("tenant_id"), tenants.c.id == bindparam("own_tenant_id")
)


async def create_tenant(connection: AsyncConnection, tenant_id: str, name: str) -> Tenant:
    """Create a tenant on the free plan; `connection` acts for it already."""
    tenant = Tenant(id=tenant_id, name=name, plan=FIRST_PLAN, created_at=now())
    await connection.execute(insert(tenants).values(tenant.model_dump()))
    return tenant


async def list_tenants(connection: AsyncConnection, caller: Caller) -> list[Tenant]:
    """List the tenants that the caller belongs to: so far, one."""
    return [await get_tenant(connection, caller, caller.tenant_id)]


async def get_tenant(connection: AsyncConnection, caller: Caller, tenant_id: str) -> Tenant:
    """Return one tenant of the caller; any other raises `NotFoundError`."""
    asked = {"tenant_id": tenant_id, "own_tenant_id": caller.tenant_id}
    row = (await connection.execute(TENANT, asked)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such tenant.")
    return Tenant.model_validate(row, from_attributes=True)


async def rename_tenant(
    connection: AsyncConnection, caller: Caller, tenant_id: str, name: str
) -> Tenant:
    """Give a tenant of the caller another name; any other raises `NotFoundError`."""
    await connection.execute(
        update(tenants)
        .where(tenants.c.id == tenant_id, tenants.c.id == caller.tenant_id)
        .values(name=name)
    )
    return await get_tenant(connection, caller, tenant_id)


async def hold_tenant(connection: AsyncConnection, caller: Caller) -> None:
    """Let nobody else change the caller's tenant until this transaction has ended."""
    mine = select(tenants.c.id).where(tenants.c.id == caller.tenant_id)
    await connection.execute(mine.with_for_update())


async def delete_tenant(connection: AsyncConnection, caller: Caller) -> None:
    """Remove the caller's tenant and everything that it owns."""
    await connection.execute(delete(tenants).where(tenants.c.id == caller.tenant_id))
