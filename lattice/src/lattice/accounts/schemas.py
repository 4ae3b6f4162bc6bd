"""What is asked for and said when accounts are made and used."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from lattice.asked import Asked
from lattice.mail_addresses import validated
from lattice.tenants.schemas import Tenant, TenantName

EMAIL_CHARACTERS_MAX = 254
PASSWORD_CHARACTERS_MIN = 10
PASSWORD_CHARACTERS_MAX = 128


def normal_email(text: str) -> str:
    """Return the address in its normal form; raises `ValueError` if it is none."""
    return validated(text).normalized


def email_key(email: str) -> str:
    """Return what makes two addresses the same: the address without its letter case."""
    # Not casefold: that makes one of ß and ss, which are addresses of different people.
    return email.lower()


def mailbox_key(email: str) -> str:
    """Return what addresses share whose mails probably come to one person: `ada+x@` is `ada@`."""
    local, _, domain = email_key(email).rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


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


class Confirmation(Asked):
    """What a mail has said and the password that was registered: who has both is who registered."""

    token: str = Field(
        max_length=4096,
        description="From the mail; good once.",
        examples=["1b4e28ba2fa14d2b883f0016d3cca4276d0a3c0a4bb94f6f8d2c9a3a6f0e2b11"],
    )
    password: str = Field(
        max_length=PASSWORD_CHARACTERS_MAX, examples=["correct horse battery staple"]
    )


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


class Registered(BaseModel):
    """What everybody is told who registers where addresses are confirmed."""

    detail: str = "A mail has been sent to this address. It says how to go on."


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
