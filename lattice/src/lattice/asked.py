"""What a request may say."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from lattice.errors import NotFoundError

# Without control characters (Cc), in the words of ECMA-262: JSON Schema knows no others.
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f]+$"


class Asked(BaseModel):
    """A body that is refused when it names anything else: a tenant, a role, a misspelt field."""

    model_config = ConfigDict(extra="forbid")


def _may_be_there(text: str) -> str:
    # PostgreSQL cannot even be asked for it.
    if "\x00" in text:
        raise NotFoundError("There is nothing with such an id.")
    return text


Id = Annotated[str, AfterValidator(_may_be_there)]
