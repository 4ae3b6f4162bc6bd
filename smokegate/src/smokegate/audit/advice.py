"""The line of code that would notice a fault which nobody noticed."""

from __future__ import annotations

from smokegate.audit.documents import EVERY, Path
from smokegate.audit.mutants import Mutant


def advice_for(mutant: Mutant) -> str:
    """A line to write into a check that gets the reply."""
    match mutant.layer:
        case "transport" | "status":
            return "expect(reply).status(...)" if mutant.layer == "status" else _ASK
        case "latency":
            return "expect(reply).faster_than(5)"
        case "body":
            return "reply.read(...)  # a struct with the members that users rely on"
        case "header":
            name = str(mutant.path[0]).title()
            return f'expect(reply).header("{name}", has="...")'
        case "field":
            return _for_field(mutant.path, mutant.operator)
    return "a check that demands what this fault breaks"


_ASK = "await client.get(...)  # nobody asks for it in a way that shows this"


def _for_field(path: Path, operator: str) -> str:
    arguments = ", ".join(f'"{key}"' for key in path if isinstance(key, str) and key != EVERY)
    in_list = EVERY in path or any(isinstance(key, int) for key in path)
    if operator in ("removed", "null", "of another type"):
        return (
            f"reply.each(str, {arguments})  # or a struct"
            if in_list
            else f"reply.read(str, {arguments})"
        )
    if in_list:
        return f'expect(reply).that("...", reply.each(str, {arguments}) == [...])'
    return f"expect(reply).json({arguments}, equals=...)"
