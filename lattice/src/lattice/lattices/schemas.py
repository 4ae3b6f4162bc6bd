"""What is asked for and said about lattices."""

from datetime import datetime
from typing import Annotated

from pydantic import (
    BaseModel,
    FailFast,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from lattice.asked import ONE_LINE, Asked
from lattice.lattices.grid import Connectivity, check_obstacles
from lattice.tenants.plans import WIDEST

BULK_MAX = 100

Name = Annotated[
    str,
    # Control characters: a name is shown in one line. Kept as it is: what is said is read back.
    StringConstraints(min_length=1, max_length=200, pattern=ONE_LINE),
    Field(description="What people call the lattice.", examples=["Warehouse, ground floor"]),
]
Description = Annotated[
    str,
    # PostgreSQL stores no NUL.
    StringConstraints(max_length=2000, pattern=r"^[^\x00]*$"),
    Field(examples=["Aisles are two cells wide"]),
]
# Strict: "3", 3.0 and true are no integers. One mistake is told, not a hundred thousand.
Coordinates = Annotated[
    list[Annotated[int, Field(strict=True)]],
    FailFast(),
    Field(min_length=1, max_length=WIDEST.dimensions, examples=[[0, 0, 0]]),
]
Dimensions = Annotated[
    list[Annotated[int, Field(strict=True, ge=1, le=WIDEST.cells)]],
    FailFast(),
    Field(
        min_length=1,
        max_length=WIDEST.dimensions,
        description="Extent along each axis; the plan bounds their number and product.",
        examples=[[5, 5, 5]],
    ),
]
Obstacles = Annotated[
    list[Coordinates],
    FailFast(),
    Field(
        description="Cells that no path enters, each inside and named once.",
        examples=[[[1, 1, 1], [1, 1, 2]]],
    ),
]
Neighbours = Annotated[
    Connectivity,
    Field(
        description="`axis`: neighbours differ by one in one coordinate. `diagonal`: by at most "
        "one in every coordinate; a step may pass between two obstacles that touch at a corner."
    ),
]


class NewLattice(Asked):
    """A lattice to be created."""

    name: Name
    description: Description | None = None
    dimensions: Dimensions
    connectivity: Neighbours = "axis"
    obstacles: Obstacles = Field(default=[])

    @field_validator("obstacles")
    @classmethod
    def _obstacles_lie_inside(
        cls, obstacles: list[list[int]], info: ValidationInfo
    ) -> list[list[int]]:
        # Without dimensions there is nothing to compare with: their own error is told.
        if "dimensions" in info.data:
            check_obstacles(obstacles, info.data["dimensions"])
        return obstacles


class NewLattices(Asked):
    """Lattices to be created together: all of them or none."""

    lattices: Annotated[list[NewLattice], FailFast()] = Field(min_length=1, max_length=BULK_MAX)


class LatticeChange(Asked):
    """What is to be changed; what is not named stays. The grid itself cannot be changed."""

    name: Name = Field(default_factory=str)
    description: Description | None = None
    obstacles: Obstacles = Field(default_factory=list)


class LatticeSummary(BaseModel):
    """A lattice without its obstacles, of which there may be many."""

    id: str = Field(examples=["7d444840-9dc0-41d1-b245-5ffdce74fad2"])
    name: str = Field(examples=["Warehouse, ground floor"])
    description: str | None
    dimensions: list[int] = Field(examples=[[5, 5, 5]])
    connectivity: Connectivity
    cells: int = Field(description="Of the full grid, obstacles included.", examples=[125])
    edges: int = Field(
        description="Pairs of neighbours of the full grid, obstacles included.", examples=[300]
    )
    obstacle_count: int = Field(examples=[2])
    created_at: datetime
    updated_at: datetime


class Lattice(LatticeSummary):
    """A lattice."""

    obstacles: list[list[int]] = Field(examples=[[[1, 1, 1], [1, 1, 2]]])


class LatticePage(BaseModel):
    """Some lattices of a tenant, the latest first."""

    items: list[LatticeSummary]
    total: int = Field(description="How many there are in all.")
    limit: int
    offset: int


class CreatedLattices(BaseModel):
    """Lattices created together, in the order in which they were asked for."""

    items: list[Lattice]
    created: int
