"""What is said of a tenant."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from lattice.asked import ONE_LINE, Asked

TenantName = Annotated[
    str,
    # No control characters: a name is shown in one line, and PostgreSQL stores no NUL.
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=ONE_LINE),
    Field(description="What people call the tenant.", examples=["Example Ltd"]),
]


class Tenant(BaseModel):
    """A tenant, as its members see it."""

    id: str = Field(examples=["1b4e28ba-2fa1-4d2b-883f-0016d3cca427"])
    name: TenantName
    plan: str = Field(description="Code of the plan that is in force.", examples=["free"])
    created_at: datetime


class Tenants(BaseModel):
    """The tenants of the caller."""

    items: list[Tenant]


class TenantChange(Asked):
    """What can be changed of a tenant."""

    name: TenantName
