"""What is drafted, before it is put into files: checks, resources, structs and settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from smokegate.scaffold.python import STEP, Raw, call, laid_out

HEALTH, WORKFLOWS = "health", "workflows"
# How a file says what a check of it was drafted from; read again by the next run.
_MARK = re.compile(r"^[ \t#]*(Drafted(?: without credentials)? from: .+?)[ \t]*$", re.MULTILINE)


def mark(source: str, *, without_credentials: bool = False) -> str:
    """The line that says what a check was drafted from."""
    plain = "".join(each for each in source if each.isprintable() and each not in '"\\')
    words = " ".join(plain.split())
    return f"Drafted {'without credentials ' if without_credentials else ''}from: {words}"


def marks_in(text: str) -> set[str]:
    """What the checks of a file were drafted from, as their marks say."""
    return set(_MARK.findall(text))


@dataclass(frozen=True)
class Function:
    """A function or a method: its text at its own margin, and what it is drafted from."""

    name: str
    lines: tuple[str, ...]
    marks: tuple[str, ...] = ()
    imports: Mapping[str, frozenset[str]] = field(default_factory=dict)
    helpers: tuple[Function, ...] = ()  # methods beside it
    settings: Mapping[str, str] = field(default_factory=dict)  # name to declaration
    suite: str = WORKFLOWS


@dataclass
class Drafts:
    """All that was drafted from one source; `left_out` has the reasons with what they are of."""

    checks: list[Function] = field(default_factory=list)
    resources: list[Function] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)  # for smokegate.toml

    @property
    def needed_settings(self) -> list[str]:
        """The settings without which checks of these are skipped."""
        declared = {name: text for each in self.checks for name, text in each.settings.items()}
        return [name for name, text in declared.items() if text.endswith(' = ""')]

    def leave_out(self, what: str, because: str) -> None:
        """Remember that something is not drafted."""
        self.left_out.setdefault(because, []).append(what)


def check(
    name: str,
    title: str,
    body: Iterable[str],
    *,
    marks: Iterable[str],
    parameters: Iterable[str] = (),
    imports: Mapping[str, Iterable[str]] | None = None,
    helpers: Iterable[Function] = (),
    settings: Mapping[str, str] | None = None,
    suite: str = WORKFLOWS,
) -> Function:
    """A check: a method of a suite whose body is given without its margin."""
    taken = tuple(marks)
    takes = map(Raw, ["self", "client: Client", *parameters])
    head = laid_out("async def ", call(name, *takes), " -> None:", indent=len(STEP))
    return Function(
        name=name,
        lines=(
            *(line[len(STEP) :] for line in head),
            *(indented([*docstring(title, taken), *body])),
        ),
        marks=taken,
        imports={module: frozenset(names) for module, names in (imports or {}).items()},
        helpers=tuple(helpers),
        settings=settings or {},
        suite=suite,
    )


def docstring(title: str, marks: Iterable[str] = ()) -> list[str]:
    """A docstring: the title, and below it what it was drafted from."""
    below = list(marks)
    return [f'"""{title}', "", *below, '"""'] if below else [f'"""{title}"""']


def indented(lines: Iterable[str]) -> Iterator[str]:
    """Lines one step further in."""
    return (f"{STEP}{line}" if line else "" for line in lines)
