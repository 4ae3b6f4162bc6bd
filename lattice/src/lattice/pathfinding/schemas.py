"""What is asked of a search and what it answers."""

from pydantic import BaseModel, Field

from lattice.lattices.schemas import Coordinates


class SearchQuestion(BaseModel):
    """Two cells of a lattice."""

    start: Coordinates
    end: Coordinates = Field(examples=[[4, 4, 4]])

    def ends(self) -> dict[str, list[int]]:
        """Return both cells by their names."""
        return {"start": self.start, "end": self.end}


class SearchFacts(BaseModel):
    """What there is to say about a search beside the path."""

    reachable: bool
    length: int | None = Field(description="Steps of the path.", examples=[2])
    cost: int | None = Field(description="Each step costs one.", examples=[2])
    explored: int = Field(description="Cells that the search reached.", examples=[6])
    elapsed_ms: float = Field(description="Time of the search itself.", examples=[0.21])


class SearchAnswer(SearchFacts):
    """A shortest path, or that there is no way through."""

    path: list[list[int]] | None = Field(
        description="Cells from start to end, both included; null if there is no way through.",
        examples=[[[0, 0], [0, 1], [1, 1]]],
    )
