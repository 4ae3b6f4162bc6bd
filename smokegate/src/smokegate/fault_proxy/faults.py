"""What goes wrong, where and when: plain data, with no state of its own."""

from __future__ import annotations

import random
import re
from abc import ABC
from dataclasses import dataclass, field
from typing import Literal, Protocol

from smokegate.fault_proxy.messages import Request


class Action(ABC):  # noqa: B024 - what an action must offer differs by its kind
    """What a fault does; its kinds stand in `breaks`, `substitutes`, `edits`, `deliveries`."""


class Occasion(Protocol):
    """Which of the things that match a fault it strikes, by their number from 1."""

    def chosen(self, ordinal: int) -> bool:
        """Tell whether the fault strikes this one; the same answer for the same number."""
        ...


@dataclass(frozen=True)
class Always:
    """Every one."""

    def chosen(self, ordinal: int) -> bool:
        return ordinal >= 1


@dataclass(frozen=True)
class EveryNth:
    """The n-th, the 2n-th and so on."""

    n: int

    def chosen(self, ordinal: int) -> bool:
        return ordinal % self.n == 0


@dataclass(frozen=True)
class FirstN:
    """The first n, then no more."""

    n: int

    def chosen(self, ordinal: int) -> bool:
        return ordinal <= self.n


@dataclass(frozen=True)
class Only:
    """Just the one with this number."""

    ordinal: int

    def chosen(self, ordinal: int) -> bool:
        return ordinal == self.ordinal


@dataclass(frozen=True)
class Seeded:
    """Each with this probability, drawn from the seed and its number alone."""

    probability: float
    seed: int = 0

    def chosen(self, ordinal: int) -> bool:
        draw = random.Random(f"{self.seed}/{ordinal}")  # noqa: S311 - chance, and no secret
        return draw.random() < self.probability


@dataclass(frozen=True, eq=False)
class Fault:
    """An action with the requests or connections that it strikes.

    `method` is a regular expression for the whole method, `path` one that is searched in path
    and query; empty means all. `reused` asks for a request that is not (True) or is (False) the
    first of its connection. `when` chooses among the requests that match, counted from 1 since
    the fault was set, or with `per="connection"` among the connections opened since then, and
    then for all their requests alike. Two faults are equal only if they are the same object.
    """

    action: Action
    method: str = ""
    path: str = ""
    when: Occasion = field(default_factory=Always)
    per: Literal["request", "connection"] = "request"
    reused: bool | None = None

    def matches(self, request: Request) -> bool:
        """Tell whether method, path and place on the connection are those of the fault."""
        return (
            (not self.method or re.fullmatch(self.method, request.method) is not None)
            and re.search(self.path, request.target) is not None
            and (self.reused is None or self.reused == (request.position > 1))
        )
