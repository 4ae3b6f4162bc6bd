"""The line of code that would notice a fault which nobody noticed."""

from __future__ import annotations

import json
from typing import Any

from smokegate.audit.documents import EVERY, REMOVED, Path
from smokegate.audit.mutants import Mutant

_TYPES = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict"}


def advice_for(mutant: Mutant, value: Any) -> str:
    """A line to write into a check that gets the reply; `value` is what stands there unbroken."""
    match mutant.layer:
        case "status":
            return "expect(reply).status(...)"
        case "latency":
            return "expect(reply).faster_than(5)"
        case "body":
            return "reply.read(...)  # a struct with the members that users rely on"
        case "header":
            return f'expect(reply).header({_quoted(str(mutant.path[0]).title())}, has="...")'
        case "field":
            return _for_field(mutant.path, mutant.operator, value)
    return "a check that demands what this fault breaks"


def _for_field(path: Path, operator: str, value: Any) -> str:
    where = [key for key in path if key != EVERY and isinstance(key, str)]
    arguments = "".join(f", {_quoted(key)}" for key in where)
    kind = _kind(value)
    if EVERY in path or any(isinstance(key, int) for key in path):
        if path[-1] != EVERY and isinstance(path[-1], str) and len(where) > 1:
            each = f"reply.each({kind}{arguments})"
            return each if _is_of_form(operator) else f'expect(reply).that("...", {each} == [...])'
        return f"reply.read(list[{kind}]{arguments})"
    if _is_of_form(operator):
        return f"reply.read({kind}{arguments})"
    return f"expect(reply).json({arguments.removeprefix(', ')}, equals=...)"


def _is_of_form(operator: str) -> bool:
    return operator in ("removed", "null", "of another type")


def _kind(value: Any) -> str:
    if value is REMOVED or value is None:
        return "Any"
    if isinstance(value, list) and value:
        return f"list[{_kind(value[0])}]"
    return _TYPES.get(type(value), "Any")


def _quoted(key: str) -> str:
    return json.dumps(key)
