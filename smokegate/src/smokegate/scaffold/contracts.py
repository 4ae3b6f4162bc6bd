"""What replies promise, as structs: the members that are required, and their types."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from smokegate.scaffold.instances import Instances
from smokegate.scaffold.naming import Names, class_name, title, variable
from smokegate.scaffold.openapi import Description, listing, mapping
from smokegate.scaffold.python import call, laid_out, text
from smokegate.scaffold.unfit import UnfitError

_DEEPEST = 3
_MOST_MEMBERS = 30
_MOST_CLASSES = 200
_LONGEST_LITERAL = 60
_PLAIN = {"integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_FORMATS = {"date-time": "datetime", "date": "date", "uuid": "UUID"}
_HOMES = {
    "Any": "typing",
    "Literal": "typing",
    "datetime": "datetime",
    "date": "datetime",
    "UUID": "uuid",
    "field": "msgspec",
}


# A member of such a name would hide the type of its neighbours.
_HIDING = frozenset({*_HOMES, "str", "int", "float", "bool", "list", "dict"})


class Kind(NamedTuple):
    """The type of a reply as an expression, and the structs that it names."""

    expression: str
    classes: frozenset[str]


class Contracts:
    """The structs of what replies promise, by name."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._instances = Instances(description)
        self._names = Names()
        self._known: dict[str, str] = {}
        self.classes: dict[str, str] = {}

    def needed(self, names: Iterable[str]) -> dict[str, str]:
        """The structs of these names and those that they refer to."""
        found: dict[str, str] = {}
        waiting = sorted(names)
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = self.classes[name]
                waiting += [each for each in _words(found[name]) if each in self.classes]
        return {name: text for name, text in self.classes.items() if name in found}

    def of(self, schema: dict[str, Any], name: str) -> Kind:
        """The type of a reply; an empty one where no member is promised.

        What an object is called, unless its schema says so, is `name`.
        """
        self._instances = Instances(self._description)
        try:
            kind = self._type(schema, name, 0)
        except (UnfitError, RecursionError):
            return Kind("", frozenset())
        used = frozenset(re.findall(r"\w+", kind)) & self.classes.keys()
        return Kind(kind if used else "", used)

    def properties(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The members of an object, required or not; none where it is none."""
        described = self._described(schema)
        return mapping(described.get("properties"))

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema without references and `allOf`."""
        return self._described(schema)

    def _described(self, schema: Any) -> dict[str, Any]:
        return self._instances.merged(self._description.resolved(schema))

    def _type(self, schema: Any, name: str, depth: int) -> str:
        described = self._described(schema)
        choices = listing(described.get("anyOf")) or listing(described.get("oneOf"))
        if choices:
            return self._union(choices, name, depth)
        kind = self._single(schema, described, name, depth)
        is_nullable = described.get("nullable") is True or "null" in listing(described.get("type"))
        return f"{kind} | None" if is_nullable and kind not in ("None", "Any") else kind

    def _union(self, choices: list[Any], name: str, depth: int) -> str:
        kinds = [each for each in choices if self._described(each).get("type") != "null"]
        if len(kinds) != 1:
            return "Any"
        kind = self._type(kinds[0], name, depth)
        if len(kinds) == len(choices) or kind.endswith("| None") or kind == "Any":
            return kind
        return f"{kind} | None"

    def _single(self, schema: Any, described: dict[str, Any], name: str, depth: int) -> str:
        kind = self._instances.kind(described)
        if kind == "string":
            return self._string(described)
        if kind == "array":
            item = described.get("items")
            return f"list[{self._type(item, name, depth + 1) if item else 'Any'}]"
        if kind == "object":
            return self._object(schema, described, name, depth)
        return _PLAIN.get(kind) or "Any"

    def _string(self, described: dict[str, Any]) -> str:
        choices = listing(described.get("enum")) or (
            [described["const"]] if "const" in described else []
        )
        if choices and all(isinstance(each, str) for each in choices):
            literal = f"Literal[{', '.join(map(text, dict.fromkeys(choices)))}]"
            return literal if len(literal) <= _LONGEST_LITERAL else "str"
        return _FORMATS.get(str(described.get("format")), "str")

    def _object(self, schema: Any, described: dict[str, Any], name: str, depth: int) -> str:
        members = _members(described)
        if not members or depth > _DEEPEST or len(self.classes) >= _MOST_CLASSES:
            return "dict[str, Any]"
        reference = str(mapping(schema).get("$ref") or "")
        if reference in self._known:
            return self._known[reference]
        wanted = class_name(reference.rpartition("/")[2] or name)
        if keyword.iskeyword(wanted) or wanted in _HOMES or wanted == "Struct":
            wanted = f"{wanted}Reply"
        given = self._names.take(wanted)
        if reference:
            self._known[reference] = given
        self.classes[given] = ""  # its place: what it refers to stands behind it
        self.classes[given] = self._class(given, described, members, depth)
        return given

    def _class(
        self, name: str, described: dict[str, Any], members: dict[str, bool], depth: int
    ) -> str:
        words = str(described.get("description") or described.get("title") or name)
        summary = title(words.partition("\n")[0], name)
        lines = [f"class {name}(Struct, frozen=True):", f'    """{summary}"""', ""]
        fields = Names()
        for member, is_required in members.items():
            kind = self._type(described["properties"][member], f"{name}_{member}", depth + 1)
            if not is_required and kind != "Any" and not kind.endswith("None"):
                kind += " | None"
            field = fields.take(field_name(member))
            default = {} if is_required else {"default": None}
            if field != member:
                value = call("field", name=member, **default)
                lines += laid_out(f"{field}: {kind} = ", value, indent=4)
            else:
                lines.append(f"    {field}: {kind}{'' if is_required else ' = None'}")
        return "\n".join(lines)


def _members(described: dict[str, Any]) -> dict[str, bool]:
    """The members that a reply is held to: those that are required, or else any that are there."""
    properties = mapping(described.get("properties"))
    required = dict.fromkeys(map(str, listing(described.get("required"))), True)
    needed = {name: True for name in required if name in properties}
    found = needed or {name: False for name in properties if isinstance(name, str)}
    return dict([*found.items()][:_MOST_MEMBERS])


def imports_of(classes: Iterable[str]) -> dict[str, set[str]]:
    """What the text of some structs needs to be imported."""
    found: dict[str, set[str]] = {"msgspec": {"Struct"}}
    for each in classes:
        for name in _words(each) & _HOMES.keys():
            found.setdefault(_HOMES[name], set()).add(name)
    return found


def _words(code: str) -> set[str]:
    """The names in the code of a struct, its texts left out."""
    return {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}


def field_name(member: str) -> str:
    """What a member of JSON is called as an attribute."""
    name = variable(member, "member")
    return f"{name}_" if name in _HIDING else name
