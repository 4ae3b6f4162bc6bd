"""What is said of usage."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class Counts(BaseModel):
    """How much was done."""

    model_config = ConfigDict(frozen=True)

    calls: int = Field(
        default=0,
        ge=0,
        description="Authenticated calls that were answered, whatever the answer. Reading usage "
        "does not count, so two readings in a row are equal.",
        examples=[42],
    )
    lattices_created: int = Field(
        default=0, ge=0, description="Lattices created, in bulk each.", examples=[7]
    )
    path_searches: int = Field(
        default=0, ge=0, description="Searches answered, found or no way through.", examples=[12]
    )

    def __add__(self, other: "Counts") -> "Counts":
        """Return both together."""
        return Counts(
            calls=self.calls + other.calls,
            lattices_created=self.lattices_created + other.lattices_created,
            path_searches=self.path_searches + other.path_searches,
        )


class UsageDay(Counts):
    """How much was done on one day."""

    date: date


class Usage(BaseModel):
    """How much was done from the first day to the last, both included."""

    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    totals: Counts
    days: list[UsageDay] = Field(description="Every day of the span, quiet ones too.")
