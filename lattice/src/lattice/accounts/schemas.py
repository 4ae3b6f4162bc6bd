"""What is asked for and said when accounts are made and used."""

from datetime import datetime
from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, Field

from lattice.asked import Asked
from lattice.tenants.schemas import Tenant, TenantName

EMAIL_CHARACTERS_MAX = 254
PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 128


def normal_email(text: str) -> str:
    """Return the address in its normal form; raises `ValueError` if it is none.

    Nothing is looked up: whether mail arrives is not judged here.
    """
    try:
        # `.test` is reserved for what the name says (RFC 2606).
        checked = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    return checked.normalized


def email_key(email: str) -> str:
    """Return what makes two addresses the same: the address without its letter case."""
    return email.casefold()


def account_key(text: str) -> str:
    """Return the `email_key` of what somebody gives as an address; "", nobody's, if it is none."""
    try:
        return email_key(normal_email(text))
    except ValueError:
        return ""


Email = Annotated[
    str,
    AfterValidator(normal_email),
    # Letters beyond ASCII are taken too, which plain `email` (RFC 5321) does not know.
    Field(
        max_length=EMAIL_CHARACTERS_MAX,
        examples=["ada@example.com"],
        json_schema_extra={"format": "idn-email"},
    ),
]


class Registration(Asked):
    """A new account, with a tenant of its own."""

    email: Email
    password: str = Field(
        min_length=PASSWORD_CHARACTERS_MIN,
        max_length=PASSWORD_CHARACTERS_MAX,
        examples=["correct horse battery staple"],
    )
    tenant_name: TenantName


class Credentials(Asked):
    """What an account is entered with."""

    # Not checked as an address: what cannot be one is simply nobody's.
    email: str = Field(max_length=EMAIL_CHARACTERS_MAX, examples=["ada@example.com"])
    password: str = Field(
        max_length=PASSWORD_CHARACTERS_MAX, examples=["correct horse battery staple"]
    )


class Refreshing(Asked):
    """A refresh token to be exchanged."""

    refresh_token: str = Field(max_length=4096, examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6..."])


class User(BaseModel):
    """An account."""

    id: str = Field(examples=["6ba7b810-9dad-41d1-80b4-00c04fd430c8"])
    email: str = Field(examples=["ada@example.com"])
    role: str = Field(description="Standing within the tenant.", examples=["owner"])
    created_at: datetime


class Me(User):
    """The account that calls, and its tenant."""

    tenant: Tenant


class TokenPair(BaseModel):
    """The tokens of a session."""

    access_token: str = Field(description="For `Authorization: Bearer`.")
    refresh_token: str = Field(description="Good for one use at `/api/auth/refresh`.")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme, RFC 6750
    expires_in: int = Field(description="Life of the access token in seconds.", examples=[900])


class SignedIn(TokenPair):
    """The tokens of a new session, and whose it is."""

    user: User
    tenant: Tenant
