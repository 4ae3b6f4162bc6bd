"""The engine: runs the checks of a plan as soon as what they need is there.

It tells what happens as events and returns the run; who listens is not its business.
"""

from smokegate.engine.engine import (
    CheckFinished,
    CleaningUp,
    Engine,
    Event,
    RunStarted,
    Waiting,
    sweep_one,
)
from smokegate.engine.keeping import Keeper
from smokegate.engine.loop import in_loop
from smokegate.engine.output import sorted_by_attempt
from smokegate.engine.plan import Plan, Suites, find, load, plan, select_by_words

__all__ = [
    "CheckFinished",
    "CleaningUp",
    "Engine",
    "Event",
    "Keeper",
    "Plan",
    "RunStarted",
    "Suites",
    "Waiting",
    "find",
    "in_loop",
    "load",
    "plan",
    "select_by_words",
    "sorted_by_attempt",
    "sweep_one",
]
