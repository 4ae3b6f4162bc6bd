"""The account that a run makes for itself: which operations do that, and the resources of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from smokegate.scaffold.contracts import Contracts
from smokegate.scaffold.drafts import Function, docstring, indented, mark
from smokegate.scaffold.instances import Instances
from smokegate.scaffold.openapi import Description, Operation, mapping
from smokegate.scaffold.python import Raw, call, laid_out, text
from smokegate.scaffold.unfit import UnfitError

_REGISTER = re.compile(r"regist|sign_?-?up|create_?-?(?:user|account)", re.IGNORECASE)
_LOG_IN = re.compile(r"log_?-?in|sign_?-?in|authenticate|/tokens?$|/sessions?$", re.IGNORECASE)
_TOKENS = ("access_token", "accessToken", "token", "jwt", "id_token")
_ADDRESSES = ("email", "username", "login", "user")
_MARGIN = 4
_ANY = {"typing": frozenset({"Any"})}


@dataclass(frozen=True)
class Accounts:
    """The operations by which a run makes and removes an account of its own."""

    register: Operation
    log_in: Operation
    leave: Operation
    address: str  # the member that names the account
    token: str  # the member of the answer to a login

    @property
    def operations(self) -> list[Operation]:
        """All three."""
        return [self.register, self.log_in, self.leave]


def accounts_in(description: Description, operations: list[Operation]) -> Accounts | None:
    """What makes an account and removes it, where the service has all of that."""
    open_posts = [
        each
        for each in operations
        if each.method == "POST" and not each.is_secured and not each.blanks
    ]
    leaving = [
        each
        for each in operations
        if each.method == "DELETE"
        and each.is_secured
        and not each.blanks
        and re.search(r"/(?:me|account|self)$", each.path)
    ]
    contracts = Contracts(description)
    for register in open_posts:
        address = _address(description, contracts, register, _REGISTER)
        for log_in in open_posts:
            token = _token(description, contracts, log_in)
            same = _address(description, contracts, log_in, _LOG_IN) == address
            if address and token and same and leaving:
                return Accounts(register, log_in, leaving[0], address, token)
    return None


def _address(
    description: Description, contracts: Contracts, operation: Operation, pattern: re.Pattern[str]
) -> str:
    """The member that names an account in a request that has a password as well."""
    if not pattern.search(operation.path) and not pattern.search(operation.name):
        return ""
    try:
        media = description.json_body(operation) or {}
        members = contracts.properties(mapping(media.get("schema")))
    except UnfitError:
        return ""
    found = next((each for each in _ADDRESSES if each in members), "")
    return found if "password" in members else ""


def _token(description: Description, contracts: Contracts, operation: Operation) -> str:
    try:
        _, schema, _ = description.success(operation)
        members = contracts.properties(schema)
    except UnfitError:
        return ""
    return next((each for each in _TOKENS if each in members), "")


def resources(description: Description, accounts: Accounts) -> list[Function]:
    """The account of a run, its token, and how it is removed. Raises `UnfitError`."""
    drafting = _Resources(description, accounts)
    return [drafting.account(), drafting.token(), drafting.removal(), drafting.log_in()]


class _Resources:
    """Drafts what `resources.py` holds of an account."""

    def __init__(self, description: Description, accounts: Accounts) -> None:
        self._accounts = accounts
        self._description = description
        self._instances = Instances(description)
        self._let_in = description.success(accounts.log_in)[0]
        self._token = text(accounts.token)

    def account(self) -> Function:
        register = self._accounts.register
        sent = self._sent(register, Raw("client.settings.test_password"))
        creates = Raw('("account", email)')
        posted = call("await client.post", register.path, json=Raw("sent"), creates=creates)
        return _resource(
            "account(client: Client) -> str",
            ["The address of an account that lives as long as the run.", mark(register.key)],
            [
                "email = client.email()",
                *_lines("sent: dict[str, Any] = ", sent),
                *_lines("reply = ", posted),
                f"expect(reply).status({self._description.success(register)[0]})",
                "return email",
            ],
            {"smokegate": frozenset({"Client", "expect", "resource"}), **_ANY},
            "@resource",
        )

    def token(self) -> Function:
        return _resource(
            "token(client: Client, account: str) -> str",
            ["What opens the service to that account."],
            [
                "reply = await log_in(client, account)",
                f"expect(reply).status({self._let_in})",
                f"return reply.read(str, {self._token})",
            ],
            {"smokegate": frozenset({"Client", "expect", "resource"})},
            "@resource",
        )

    def removal(self) -> Function:
        leave = self._accounts.leave
        return _resource(
            "remove_account(client: Client, email: str) -> bool",
            ["Remove an account; False if there is none.", mark(leave.key)],
            [
                "entry = await log_in(client, email)",
                "if entry.status in (401, 403, 404):",
                "    return False",
                f"expect(entry).status({self._let_in})",
                f"me = client.with_token(entry.read(str, {self._token}))",
                *_lines("removed = ", call("await me.delete", leave.path)),
                f"expect(removed).status({self._description.success(leave)[0]})",
                "return True",
            ],
            {"smokegate": frozenset({"Client", "expect", "removes"})},
            '@removes("account")',
        )

    def log_in(self) -> Function:
        log_in = self._accounts.log_in
        sent = self._sent(log_in, Raw("password or client.settings.test_password"))
        posted = call("await client.post", log_in.path, json=Raw("sent"))
        about = "Try a password on an account, by default the one that it was made with."
        return _resource(
            'log_in(client: Client, email: str, password: str = "") -> Reply',
            [about, mark(log_in.key)],
            [*_lines("sent: dict[str, Any] = ", sent), *_lines("return ", posted)],
            {"smokegate": frozenset({"Client", "Reply"}), **_ANY},
        )

    def _sent(self, operation: Operation, password: Raw) -> dict[str, Any]:
        """The body of an operation, with the account's address and a password in it."""
        sent = self._instances.body(self._description.json_body(operation) or {})
        if not isinstance(sent, dict):
            raise UnfitError("an account is not made of named members")
        return {**sent, self._accounts.address: Raw("email"), "password": password}


def _lines(before: str, value: Any) -> list[str]:
    return [line[_MARGIN:] for line in laid_out(before, value, indent=_MARGIN)]


def _resource(
    signature: str,
    about: list[str],
    body: list[str],
    imports: dict[str, frozenset[str]],
    decorator: str = "",
) -> Function:
    name, head = signature.partition("(")[0], f"async def {signature}:"
    lines = [head, *indented([*docstring(about[0], about[1:]), *body])]
    return Function(
        name, tuple([decorator, *lines] if decorator else lines), tuple(about[1:]), imports
    )
