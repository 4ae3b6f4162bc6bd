"""A run that somebody asked for, from then until its verdict is no longer asked for."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["queued", "running", "done", "cancelled"]

RUNNING = "running"
INCONCLUSIVE = "inconclusive"
OPENING = frozenset({"proceed", "monitor"})
# Whoever asks again is retrying, or polls, and means the same run.
_SAME_FOR_S = 600.0
# What could not be told is tried again sooner, but not as fast as anybody can ask.
_INCONCLUSIVE_FOR_S = 60.0


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What GitHub is to be told of a run: at `url`, as a status of a deployment or as a review."""

    url: str
    environment: str = ""  # of the rule that is reviewed; empty for the status of a deployment
    installation: int = 0
    repository: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be verified, and for what; two that are equal are one run."""

    target: str
    expect_version: str = ""
    deployment: str = ""
    key: str = ""
    review: Review | None = None

    @property
    def is_named(self) -> bool:
        """Whether it says which release it is about."""
        return bool(self.expect_version or self.deployment or self.key)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was asked for, and how far it is."""

    id: str
    wanted: Wanted
    asked_ms: int
    state: State = "queued"
    ended_ms: int = 0
    attempts: int = 0
    pid: int = 0
    verdict: str = ""
    reason: str = ""
    run_id: str = ""
    version: str = ""
    told: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether its verdict stands."""
        return self.state in ("done", "cancelled")

    @property
    def action(self) -> str:
        """What to do; `running` as long as that is not known."""
        return self.verdict if self.has_ended else RUNNING

    def stands(self, now_ms: int) -> bool:
        """Whether who asks for the same gets this one.

        Without a name it is joined only before it begins: what it saw may be older than what it
        is asked about now.
        """
        if not self.wanted.is_named:
            return self.state == "queued"
        inconclusive = self.verdict == INCONCLUSIVE
        lasts_s = _INCONCLUSIVE_FOR_S if inconclusive else _SAME_FOR_S
        return not self.has_ended or now_ms - self.ended_ms < lasts_s * 1000
