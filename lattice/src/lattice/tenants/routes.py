"""The caller's tenants."""

from typing import Annotated

from fastapi import APIRouter, Path

from lattice.asked import Id
from lattice.errors import ForbiddenError, NotFoundError
from lattice.problems import refusals
from lattice.security.caller import CurrentCaller, Reading, Writing
from lattice.security.roles import Owner
from lattice.tenants import service
from lattice.tenants.schemas import Tenant, TenantChange, Tenants

router = APIRouter(prefix="/api/tenants", tags=["tenants"])

TenantId = Annotated[Id, Path(examples=["1b4e28ba-2fa1-4d2b-883f-0016d3cca427"])]


@router.get("", summary="List my tenants")
async def list_tenants(caller: CurrentCaller, connection: Reading) -> Tenants:
    """List the tenants that the caller belongs to."""
    return Tenants(items=await service.list_tenants(connection, caller))


@router.get("/{tenant_id}", summary="See a tenant", responses=refusals(NotFoundError))
async def get_tenant(caller: CurrentCaller, tenant_id: TenantId, connection: Reading) -> Tenant:
    """Return one tenant of the caller; another's is not found."""
    return await service.get_tenant(connection, caller, tenant_id)


@router.patch(
    "/{tenant_id}", summary="Rename a tenant", responses=refusals(ForbiddenError, NotFoundError)
)
async def rename_tenant(
    caller: Owner, tenant_id: TenantId, change: TenantChange, connection: Writing
) -> Tenant:
    """Change the name of a tenant of the caller; another's is not found."""
    return await service.rename_tenant(connection, caller, tenant_id, change.name)
