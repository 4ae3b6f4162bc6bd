"""A lattice as it is said and as it is stored."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Row

from lattice.database import now
from lattice.lattices.grid import Cell, Connectivity, count_cells, count_edges
from lattice.lattices.schemas import Lattice, LatticeSummary, NewLattice
from lattice.lattices.tables import lattices
from lattice.security.caller import Caller

SUMMARY = tuple(column for column in lattices.c if column.name != "obstacles")


@dataclass(frozen=True, slots=True)
class StoredGrid:
    """A lattice as a search needs it; its obstacles are JSON still, to be read off the loop."""

    dimensions: list[int]
    connectivity: Connectivity
    obstacles_json: str


def make_lattice(new: NewLattice) -> Lattice:
    """Return what is asked for with its id, its counts and its times."""
    created_at = now()
    # Not validated once more: there may be a hundred thousand obstacles.
    return Lattice.model_construct(
        id=str(uuid4()),
        name=new.name,
        description=new.description,
        dimensions=new.dimensions,
        connectivity=new.connectivity,
        obstacles=new.obstacles,
        cells=count_cells(new.dimensions),
        edges=count_edges(new.dimensions, new.connectivity),
        obstacle_count=len(new.obstacles),
        created_at=created_at,
        updated_at=created_at,
    )


def row_of(caller: Caller, lattice: Lattice) -> dict[str, Any]:
    """Return the values to insert for a lattice of the caller."""
    return {
        "id": lattice.id,
        "tenant_id": caller.tenant_id,
        "name": lattice.name,
        "description": lattice.description,
        "dimensions": json.dumps(lattice.dimensions),
        "connectivity": lattice.connectivity,
        "created_at": lattice.created_at,
        "updated_at": lattice.updated_at,
    } | obstacle_columns(lattice.obstacles)


def obstacle_columns(obstacles: Sequence[Cell]) -> dict[str, Any]:
    """Return the values of the columns that obstacles take."""
    written = json.dumps(obstacles, separators=(",", ":"))
    return {"obstacles": written, "obstacle_count": len(obstacles)}


def summary_of(row: Row[Any]) -> LatticeSummary:
    """Return what a row with the columns of `SUMMARY` says."""
    return LatticeSummary(**_members(row))


def lattice_of(row: Row[Any]) -> Lattice:
    """Return what a whole row says."""
    return Lattice.model_construct(**_members(row), obstacles=json.loads(row.obstacles))


def grid_of(row: Row[Any]) -> StoredGrid:
    """Return what a search needs of a whole row."""
    return StoredGrid(json.loads(row.dimensions), row.connectivity, row.obstacles)


def announced(lattice: LatticeSummary) -> Mapping[str, Any]:
    """Return what receivers are told of a lattice: not its obstacles, which may be many."""
    return lattice.model_dump(mode="json", include=set(LatticeSummary.model_fields))


def _members(row: Row[Any]) -> dict[str, Any]:
    dimensions = json.loads(row.dimensions)
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "dimensions": dimensions,
        "connectivity": row.connectivity,
        "cells": count_cells(dimensions),
        "edges": count_edges(dimensions, row.connectivity),
        "obstacle_count": row.obstacle_count,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
