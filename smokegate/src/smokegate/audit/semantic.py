"""Faults that a suite's author declares beside the suite, in `mutants.py`.

    from smokegate.audit.semantic import Seen, fault

    @fault("a wrong password is accepted", row="F41")
    def wrong_password_accepted(seen: Seen) -> Seen | None:
        if seen.is_("POST /api/auth/login", 401):
            return seen.instead(seen.like("POST /api/auth/login", 200))

Each is tried on every reply of the recording, as a deployment with this fault would answer; what it
gives `None` for stays as it is. What nobody notices, and nobody shall, stands there as well, with
the reason: `LEFT = {"GET /plans: items[[]*].name changed": "which plans there are is free"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from smokegate.audit.content import Content
from smokegate.audit.documents import changed
from smokegate.audit.mutants import EVERYWHERE, Mutant
from smokegate.audit.tape import Entry
from smokegate.checks import load_module
from smokegate.engine.plan import Plan
from smokegate.errors import SuiteError

FILE = "mutants.py"
_LEFT = "LEFT"
_FAULT = "__smokegate_fault__"
Declared = Callable[["Seen"], "Seen | None"]
Function = TypeVar("Function", bound=Callable[..., Any])


class Seen:
    """A recorded exchange as the author of a fault sees it.

    `endpoint` is a method and a path template such as "GET /api/lattices/{}"; `sent` and `json`
    are the bodies as plain data, which must not be changed in place.
    """

    def __init__(self, entry: Entry, content: Content, others: list[Entry]) -> None:
        self._entry = entry
        self._others = others
        self.content = content
        self.endpoint = entry.endpoint
        self.url = entry.recorded.request.url
        self.owner = entry.owner
        self.number = entry.number

    @property
    def status(self) -> int:
        """The status that the target answered, 0 where it did not."""
        return self.content.status

    @property
    def json(self) -> Any:
        """The JSON body, `None` where it is none."""
        return self.content.document if self.content.is_json else None

    @property
    def sent(self) -> Any:
        """The JSON body of the request, `None` where it is none."""
        body = self._entry.recorded.request.body
        try:
            return msgspec.json.decode(body) if body else None
        except (msgspec.DecodeError, RecursionError):
            return None

    @property
    def credentials(self) -> tuple[str, ...]:
        """What the request gave to be let in, empty for none."""
        return self._entry.who

    def is_(self, endpoint: str, *statuses: int) -> bool:
        """Whether it is a reply of this endpoint, with one of these statuses if any are given."""
        return self.endpoint == endpoint and (not statuses or self.status in statuses)

    def like(
        self, endpoint: str, status: int, where: Callable[[Seen], bool] = lambda _: True
    ) -> Seen | None:
        """The first recorded exchange of an endpoint and a status to which a condition applies."""
        for entry in self._others:
            seen = Seen(entry, entry.content, self._others)
            if seen.is_(endpoint, status) and where(seen):
                return seen
        return None

    def instead(self, other: Seen | None) -> Seen | None:
        """Answer with what another exchange was answered; nothing if there is no other."""
        return None if other is None else Seen(self._entry, other.content, self._others)

    def with_status(self, status: int) -> Seen:
        """Answer with another status."""
        return Seen(self._entry, self.content.with_status(status), self._others)

    def with_json(self, document: Any) -> Seen:
        """Answer with another JSON body."""
        return Seen(self._entry, self.content.with_document(document), self._others)

    def with_member(self, *path: str | int, value: Any) -> Seen:
        """Answer with another value of a member; "*" is every item of a list."""
        return self.with_json(changed(self.content.document, path, lambda _: value))

    def with_text(self, text: str) -> Seen:
        """Answer with another body."""
        return Seen(self._entry, self.content.with_body(text.encode()), self._others)

    def with_header(self, name: str, value: str | None) -> Seen:
        """Answer with another value of a header, or without it."""
        kept = [
            each for each in self.content.exchange.reply_headers if each[0].lower() != name.lower()
        ]
        headers = kept if value is None else [*kept, (name, value)]
        return Seen(self._entry, self.content.with_headers(headers), self._others)


def fault(title: str, *, row: str = "") -> Callable[[Function], Function]:
    """Mark a function as a fault; `row` is its line in a list of faults that the author keeps."""

    def mark(function: Function) -> Function:
        setattr(function, _FAULT, (title, row))
        return function

    return mark


def declared_in(plan: Plan) -> dict[str, Declared]:
    """The faults in the `mutants.py` beside a plan's suites, by their title."""
    found: dict[str, Declared] = {}
    for file in _files(check.file for check in plan.checks):
        for function in vars(load_module(file)).values():
            title, _ = getattr(function, _FAULT, ("", ""))
            if not title:
                continue
            if found.setdefault(title, function) is not function:
                raise SuiteError(f"{file}: two faults are named {title!r}")
    return found


def left_in(plan: Plan) -> dict[str, str]:
    """The survivors that authors have decided to leave, as shell patterns, with the reasons."""
    found: dict[str, str] = {}
    for file in _files(check.file for check in plan.checks):
        left = vars(load_module(file)).get(_LEFT, {})
        try:
            found |= msgspec.convert(left, dict[str, str])
        except msgspec.ValidationError as error:
            raise SuiteError(f"{file}: {_LEFT} maps patterns to reasons: {error}") from None
    return found


def mutants_in(plan: Plan) -> list[Mutant]:
    """The mutants of the faults that a plan's authors declare."""
    return [
        Mutant(
            family="semantic",
            layer="semantic",
            operator=title,
            endpoint=EVERYWHERE,
            declared=getattr(function, _FAULT)[1],
        )
        for title, function in declared_in(plan).items()
    ]


def _files(checks: Iterable[Path]) -> list[Path]:
    folders = dict.fromkeys(file.parent for file in checks)
    return [(folder / FILE).resolve() for folder in folders if (folder / FILE).is_file()]
