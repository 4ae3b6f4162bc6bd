"""What a fleet verifies, and the two ways of verifying it: here, or elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from smokegate import gate
from smokegate.control_run import Earlier
from smokegate.engine import Plan
from smokegate.results import JudgedRun
from smokegate.targets import Target

# Entered for as long as a run lasts, with what ends it early.
Interrupting = Callable[[Callable[[str], None]], AbstractContextManager[None]]


class Planned(NamedTuple):
    """A target with the checks that its run will make."""

    target: Target
    plan: Plan


Verify = Callable[[Planned, str, Interrupting], Awaitable[JudgedRun]]


async def verify_here(planned: Planned, run_id: str, interrupting: Interrupting) -> JudgedRun:
    """Verify a target in the loop that runs."""
    target = planned.target
    return await gate.verified(
        target.settings,
        planned.plan,
        lambda _: None,
        [str(path.resolve()) for path in target.paths],
        interrupting=interrupting,
        earlier=Earlier(),
        swept=target.settings,
        run_id=run_id,
    )
