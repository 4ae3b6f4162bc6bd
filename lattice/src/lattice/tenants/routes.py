"""The caller's tenants."""

from typing import Annotated

from fastapi import APIRouter, Path

from lattice.asked import Id
from lattice.errors import ForbiddenError, NotFoundError
from lattice.problems import refusals
from lattice.security.caller import Reading
from lattice.security.roles import OwnerWriting
from lattice.tenants import service
from lattice.tenants.schemas import Tenant, TenantChange, Tenants

router = APIRouter(prefix="/api/tenants", tags=["tenants"])

TenantId = Annotated[Id, Path(examples=["1b4e28ba-2fa1-4d2b-883f-0016d3cca427"])]


@router.get("", summary="List my tenants")
async def list_tenants(transaction: Reading) -> Tenants:
    """List the tenants that the caller belongs to."""
    return Tenants(items=await service.list_tenants(*transaction))


@router.get("/{tenant_id}", summary="See a tenant", responses=refusals(NotFoundError))
async def get_tenant(transaction: Reading, tenant_id: TenantId) -> Tenant:
    """Return one tenant of the caller; another's is not found."""
    return await service.get_tenant(*transaction, tenant_id)


@router.patch(
    "/{tenant_id}", summary="Rename a tenant", responses=refusals(ForbiddenError, NotFoundError)
)
async def rename_tenant(
    transaction: OwnerWriting, tenant_id: TenantId, change: TenantChange
) -> Tenant:
    """Change the name of a tenant of the caller; another's is not found."""
    return await service.rename_tenant(*transaction, tenant_id, change.name)
