"""How checks are let in: by an account of their own where the service makes them, else by settings.

What is secret is never drafted: it comes from a setting, which is empty until somebody gives it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from smokegate.scaffold.accounts import accounts_in
from smokegate.scaffold.drafts import Function, docstring, indented
from smokegate.scaffold.openapi import Description, Operation
from smokegate.scaffold.python import Raw, call, laid_out, text
from smokegate.scaffold.unfit import UnfitError

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")


@dataclass(frozen=True)
class Entry:
    """How one check is let in: what it takes, how it begins, and who sends its requests."""

    sender: str = "client"
    parameters: tuple[str, ...] = ()
    begin: tuple[str, ...] = ()
    helpers: tuple[Function, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    headers: Raw | None = None


OPEN = Entry()


class Access:
    """Knows how to be let in to the operations of a description."""

    def __init__(self, description: Description, operations: list[Operation]) -> None:
        self._description = description
        self.accounts = accounts_in(description, operations)

    def to(self, operation: Operation) -> Entry:
        """How to call an operation. Raises `UnfitError` where no way is known."""
        if not operation.is_secured:
            return OPEN
        if self.accounts and operation.schemes == self.accounts.leave.schemes:
            begin = ("me = client.with_token(token)",)
            return Entry(sender="me", parameters=("token: str",), begin=begin)
        if len(operation.schemes) > 1:
            raise UnfitError("it asks for several credentials at once")
        scheme = self._description.scheme(operation.schemes[0])
        kind, way = str(scheme.get("type")), str(scheme.get("scheme")).lower()
        if kind in ("oauth2", "openIdConnect") or (kind, way) == ("http", "bearer"):
            return _BEARER
        if (kind, way) == ("http", "basic"):  # user:password in base64 (RFC 7617)
            return keyed("Authorization", "api_credentials", 'f"Basic {self.api_credentials}"')
        name = str(scheme.get("name"))
        if kind == "apiKey" and scheme.get("in") == "header" and _HEADER_NAME.fullmatch(name):
            return keyed(name, "api_key", "self.api_key")
        raise UnfitError("its credentials are neither a token nor a header")


def _method(name: str, returns: str, title: str, body: list[str]) -> Function:
    head = f"def {name}(self, client: Client) -> {returns}:"
    return Function(name, (head, *indented([*docstring(title), *body])))


def setting(name: str, about: str) -> tuple[str, str]:
    """The declaration of a setting that is empty until somebody gives it."""
    return (
        name,
        f'# {about}: SMOKEGATE_{name.upper()}, or a line of smokegate.toml.\n{name}: str = ""',
    )


def skip_without(name: str) -> list[str]:
    """Lines that skip a check for which a setting is missing."""
    skipping = call("client.skip", f"{name} is not set: SMOKEGATE_{name.upper()}")
    return [f"if not self.{name}:", *(line[8:] for line in laid_out("", skipping, indent=12))]


_BEARER = Entry(
    sender="me",
    begin=("me = self._signed_in(client)",),
    helpers=(
        _method(
            "_signed_in",
            "Client",
            "The client with the token that is set; without one, the check is skipped.",
            [*skip_without("api_token"), "return client.with_token(self.api_token)"],
        ),
    ),
    settings=(setting("api_token", "What opens the service"),),
)


def keyed(header: str, name: str, value: str) -> Entry:
    """Entry by a header that holds a setting."""
    return Entry(
        begin=("keys = self._keys(client)",),
        helpers=(
            _method(
                "_keys",
                "dict[str, str]",
                "The header with the credentials that are set; without, the check is skipped.",
                [*skip_without(name), f"return {{{text(header)}: {value}}}"],
            ),
        ),
        settings=(setting(name, "What opens the service"),),
        headers=Raw("keys"),
    )
