"""The critical paths of a described service: that it is up, is closed, and can be used."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from smokegate.scaffold import drafts
from smokegate.scaffold.access import Access
from smokegate.scaffold.accounts import resources
from smokegate.scaffold.calls import asked, demands, path_of, statement
from smokegate.scaffold.contracts import Contracts
from smokegate.scaffold.flows import Flows, chains
from smokegate.scaffold.instances import Instances
from smokegate.scaffold.naming import Names, snake, title
from smokegate.scaffold.openapi import Description, Operation
from smokegate.scaffold.python import Raw, call, flat, text
from smokegate.scaffold.unfit import UnfitError

_MOST = 12  # of each kind
_REFUSALS = (401, 403)
_UP = re.compile(
    r"/(?:health(?:z|check|[_-]check)?|ready|readyz|readiness|live|livez|liveness|ping|status"
    r"|version|up)$",
    re.IGNORECASE,
)
_PART = re.compile(r"/health(?:z|check)?/[^/]+$", re.IGNORECASE)
_HEALTHY = re.compile(r"/(?:health(?:z|check|[_-]check)?|ready|readyz|ping|status)$", re.IGNORECASE)
_SESSION = re.compile(
    r"/(?:log|sign)[_-]?(?:in|out|off)$|/(?:oauth2?|callback|authorize)(?:/|$)", re.IGNORECASE
)
_STREAM = "text/event-stream"
_VERSION = re.compile(r"/version$", re.IGNORECASE)
_ENOUGH = f"there are {_MOST} of its kind"
_MAY_BE_MISSING = "it asks for a part that a deployment may do without"
_CHANGES = "it changes something, and is no part of making and removing"


class Critical:
    """Drafts checks from a description; what has been drafted before is passed by."""

    def __init__(
        self, description: Description, marks: set[str], taken: set[str], *, may_register: bool
    ) -> None:
        self._description = description
        self._operations = description.operations()
        self._before = marks
        self._names = Names(taken)
        self._access = Access(description, self._operations)
        if not may_register:
            self._access.accounts = None
        self._contracts = Contracts(description)
        self._instances = Instances(description)
        self._flows = Flows(description, self._access, self._contracts)
        self._covered: set[str] = set()
        self.found = drafts.Drafts()

    def drafted(self) -> drafts.Drafts:
        """All that there is to draft."""
        for each in self._operations:
            if each.is_deprecated:
                self._leave_out(each, "it is deprecated")
            elif each.method == "GET" and _SESSION.search(each.path):
                self._leave_out(each, "it begins or ends a session")
        self._operations = [each for each in self._operations if each.key not in self._covered]
        self._draft_accounts()
        self._each([each for each in self._open_gets() if _UP.search(each.path)], self._up)
        for each in self._open_gets():
            if _PART.search(each.path) and each.key not in self._covered:
                self._leave_out(each, _MAY_BE_MISSING)
        self._draft_refused()
        self._draft_flows()
        gets = [each for each in self._operations if each.method == "GET" and not each.blanks]
        self._each(gets, self._look)
        self._leave_the_rest()
        self._set()
        used = {
            name for each in self.found.checks for name in each.imports.get("contract", frozenset())
        }
        self.found.classes = self._contracts.needed(used)
        return self.found

    def _open_gets(self) -> list[Operation]:
        return [
            each
            for each in self._operations
            if each.method == "GET" and not each.is_secured and not each.blanks
        ]

    def _each(
        self, operations: list[Operation], draft: Callable[[Operation], drafts.Function]
    ) -> None:
        """Draft a check for each of the first that can be called."""
        count = 0
        for operation in operations:
            if operation.key in self._covered:
                continue
            if count == _MOST:
                self._leave_out(operation, _ENOUGH)
                continue
            try:
                self._add(operation, draft)
                count += 1
            except UnfitError as error:
                self._leave_out(operation, str(error))

    def _add(self, operation: Operation, draft: Callable[[Operation], drafts.Function]) -> None:
        self._covered.add(operation.key)
        if drafts.mark(operation.key) not in self._before:
            self.found.checks.append(draft(operation))

    def _leave_out(self, operation: Operation, because: str) -> None:
        self._covered.add(operation.key)
        self.found.leave_out(operation.key, because)

    def _name(self, words: str) -> str:
        return self._names.take(f"test_{snake(words) or 'operation'}")

    def _up(self, operation: Operation) -> drafts.Function:
        return self._read_by(operation, suite=drafts.HEALTH)

    def _look(self, operation: Operation) -> drafts.Function:
        return self._read_by(operation, suite=drafts.WORKFLOWS)

    def _read_by(self, operation: Operation, *, suite: str) -> drafts.Function:
        """A check that reads what an operation gives, and demands what is promised of it."""
        entry = self._access.to(operation)
        status, schema, media_type = self._description.success(operation)
        if media_type == _STREAM:
            raise UnfitError("its answer is a stream")
        kind = self._contracts.of(schema, f"{snake(operation.name) or 'its'}_reply")
        wanted = [f".status({status})"]
        if not kind.expression and media_type:
            wanted.append(flat(call(".header", "Content-Type", has=media_type)))
        body = [
            *entry.begin,
            *statement("reply = ", asked(operation, entry, self._instances)),
            *demands("reply", *wanted),
        ]
        if suite == drafts.HEALTH and self._tells_version(schema):
            body.append('client.saw_version(reply.read(str, "version"))')
        if kind.expression:
            body.append(f"reply.read({kind.expression})")
        return drafts.check(
            self._name(operation.name),
            title(operation.summary or operation.name.replace("_", " "), operation.key),
            body,
            marks=[drafts.mark(operation.key)],
            parameters=entry.parameters,
            imports={"smokegate": {"Client", "expect"}, "contract": kind.classes},
            helpers=entry.helpers,
            settings=dict(entry.settings),
            suite=suite,
        )

    def _tells_version(self, schema: dict[str, Any]) -> bool:
        version = self._contracts.properties(schema).get("version")
        return version is not None and self._contracts.resolved(version).get("type") == "string"

    def _draft_refused(self) -> None:
        """One check that nobody is let in without credentials, to as many places as are enough."""
        closed = self._closed_paths()
        if not closed:
            return
        operations = list(closed.values())
        described = [self._description.refuses_with(each, "401", "403") for each in operations]
        statuses = {status for each in described for status in each or _REFUSALS}
        demand = f"expect(reply).status({', '.join(map(str, sorted(statuses)))})"
        many = len(closed) > 1
        body = [
            *statement("paths = ", tuple(closed)),
            "for reply in await gather(*(client.get(path) for path in paths)):",
            f"    {demand}",
        ]
        one = [*statement("reply = ", call("await client.get", next(iter(closed)))), demand]
        self.found.checks.append(
            drafts.check(
                self._name("closed to strangers"),
                "Nobody is let in without credentials.",
                body if many else one,
                marks=[drafts.mark(each.key, without_credentials=True) for each in operations],
                imports={
                    "smokegate": {"Client", "expect"},
                    "asyncio": {"gather"} if many else set(),
                },
                suite=drafts.HEALTH,
            )
        )

    def _closed_paths(self) -> dict[Raw, Operation]:
        """What needs credentials and can be asked for by itself; not more than is enough."""
        found: dict[Raw, Operation] = {}
        gets = [each for each in self._operations if each.method == "GET" and each.is_secured]
        for operation in [each for each in gets if not each.blanks][:_MOST]:
            if drafts.mark(operation.key, without_credentials=True) in self._before:
                continue
            with suppress(UnfitError):
                found[path_of(operation, self._instances)] = operation
        return found

    def _draft_flows(self) -> None:
        count = 0
        for chain in chains(self._operations):
            if count == _MOST:
                self._leave_out(chain.create, _ENOUGH)
                continue
            mark = drafts.mark(chain.create.key)
            try:
                collection = chain.create.path.partition("?")[0].rstrip("/").rpartition("/")[2]
                is_new = mark not in self._before
                name = self._name(f"{collection} flow") if is_new else "test_"
                drafted = self._flows.drafted(chain, name)
            except UnfitError as error:
                self._leave_out(chain.create, str(error))
                continue
            count += 1
            self._covered |= {each.key for each in chain.operations}
            if is_new:
                self.found.checks.append(drafted)

    def _draft_accounts(self) -> None:
        accounts = self._access.accounts
        if accounts is None:
            return
        try:
            made = resources(self._description, accounts)
            refused = self._description.refuses_with(accounts.log_in, "400", "401", "403", "422")
            login = self._login(refused)
        except UnfitError as error:
            self._access.accounts = None
            self._leave_out(accounts.register, str(error))
            return
        self._covered |= {each.key for each in accounts.operations}
        self.found.resources = made
        if drafts.mark(accounts.log_in.key) not in self._before:
            self.found.checks.append(login)

    def _login(self, refused: list[int]) -> drafts.Function:
        accounts = self._access.accounts
        assert accounts is not None  # noqa: S101 - the caller looked
        status = self._description.success(accounts.log_in)[0]
        refusals = sorted({*_REFUSALS} & {*refused}) or refused or _REFUSALS
        _, schema, _ = self._description.success(accounts.log_in)
        kind = self._contracts.of(schema, "logged_in")
        is_read = [f"right.read({kind.expression})"] if kind.expression else []
        return drafts.check(
            self._name("login flow"),
            "The right password lets in, and no other does.",
            [
                "right, wrong = await gather(",
                "    log_in(client, account),",
                '    log_in(client, account, password=client.unique("wrong")),',
                ")",
                *demands("right", f".status({status})", f".json({text(accounts.token)})"),
                *is_read,
                *statement("", call("expect(wrong, or_else=ROLLBACK).status", *refusals)),
            ],
            marks=[drafts.mark(accounts.log_in.key)],
            parameters=["account: str"],
            imports={
                "asyncio": {"gather"},
                "smokegate": {"ROLLBACK", "Client", "expect"},
                "resources": {"log_in"},
                "contract": kind.classes,
            },
        )

    def _leave_the_rest(self) -> None:
        for operation in self._operations:
            if operation.key in self._covered:
                continue
            if operation.method not in ("GET", "HEAD", "OPTIONS"):
                self._leave_out(operation, _CHANGES)
            elif operation.blanks:
                self._leave_out(operation, "it needs to know which one to read")
            else:
                self._leave_out(operation, "it gives nothing to read")

    def _set(self) -> None:
        """What of smokegate's settings the description says."""
        healthy = [each.path for each in self._open_gets() if _HEALTHY.search(each.path)]
        version = [each.path for each in self._open_gets() if _VERSION.search(each.path)]
        self.found.settings = {
            **({"health_path": min(healthy, key=len)} if healthy else {}),
            **({"version_path": version[0]} if version else {}),
        }
