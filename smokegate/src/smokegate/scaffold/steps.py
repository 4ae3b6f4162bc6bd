"""Requests in order, as a recording or a collection has them, whatever its format."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from smokegate.scaffold.unfit import UnfitError

VARIABLE = re.compile(r"{{\s*([^{}]{1,100}?)\s*}}")
_BARE_VARIABLE = re.compile(r'(?<!["\w}]){{\s*([^{}]{1,100}?)\s*}}(?!["\w{])')


@dataclass
class Step:
    """One request with what is demanded of its answer; texts may hold variables as `{{name}}`."""

    method: str
    url: str
    name: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    json: Any = msgspec.UNSET
    form: list[tuple[str, str]] | None = None
    body: str = ""
    # What is secret whatever it is called, with a name for it.
    secrets: list[tuple[str, str]] = field(default_factory=list)
    statuses: tuple[int, ...] = ()
    demands: list[tuple[tuple[str | int, ...], Any]] = field(default_factory=list)
    captures: dict[str, tuple[str | int, ...]] = field(default_factory=dict)
    reply: Any = msgspec.UNSET  # what was answered when it was recorded
    flaw: str = ""  # why it cannot be drafted

    def carry(self, body: str, media_type: str) -> None:
        """Take a body of a media type, as JSON or a form where it is one."""
        if media_type.startswith("application/x-www-form-urlencoded"):
            self.form = parse_qsl(body, keep_blank_values=True)
        elif "json" in media_type or body.lstrip()[:1] in ("{", "["):
            self.json = json_of(body)
        else:
            self.body = body


@dataclass
class Scenario:
    """Steps that belong together, and the values of the variables that they name."""

    name: str
    source: str
    title: str
    steps: list[Step]
    variables: dict[str, str] = field(default_factory=dict)


def of_file(name: str, steps: list[Step], variables: dict[str, str] | None = None) -> Scenario:
    """The scenario that a whole file is."""
    about = f"The requests of {name} are answered"
    return Scenario(name.rpartition(".")[0] or name, name, about, steps, variables or {})


def json_of(text: str) -> Any:
    """JSON in which variables may stand for values, then written as `{{=name}}`.

    Raises `UnfitError` where it is none.
    """
    for tried in (text, _BARE_VARIABLE.sub(r'"{{=\1}}"', text)):
        try:
            return msgspec.json.decode(tried)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            continue
    raise UnfitError("its body is not JSON")


def json_path(path: str) -> tuple[str | int, ...] | None:
    """A plain JSONPath, as in $.items[0].id; None for one that selects by more than names."""
    if not re.fullmatch(r"\$(?:\.[\w-]+|\[\d{1,6}\]|\[(?:'[^'\\]+'|\"[^\"\\]+\")\])*", path):
        return None
    found = re.findall(r"\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]|\[\"([^\"]+)\"\]", path)
    return tuple(int(number) if number else name or one or two for name, number, one, two in found)
