"""smokegate verifies a deployment and says, with evidence, what to do.

What suites import:

    from smokegate import Client, HealthSuite, WorkflowSuite, expect, resource, removes

Each name is loaded when it is first asked for: pytest imports this package in every project that
has it installed, and most of those hold no suite.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smokegate.checks import (
        HealthSuite,
        WorkflowSuite,
        consequence,
        deprecated,
        exclusive,
        owner,
        quarantine,
    )
    from smokegate.client import Client, Reply
    from smokegate.expectations import INVESTIGATE, MONITOR, ROLLBACK, WARN, expect, expect_all
    from smokegate.resources import removes, resource

__version__ = "0.1.0"

__all__ = [
    "INVESTIGATE",
    "MONITOR",
    "ROLLBACK",
    "WARN",
    "Client",
    "HealthSuite",
    "Reply",
    "WorkflowSuite",
    "consequence",
    "deprecated",
    "exclusive",
    "expect",
    "expect_all",
    "owner",
    "quarantine",
    "removes",
    "resource",
]

_HOMES = {
    "checks": (
        "HealthSuite",
        "WorkflowSuite",
        "consequence",
        "deprecated",
        "exclusive",
        "owner",
        "quarantine",
    ),
    "client": ("Client", "Reply"),
    "expectations": ("INVESTIGATE", "MONITOR", "ROLLBACK", "WARN", "expect", "expect_all"),
    "resources": ("removes", "resource"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"smokegate.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'smokegate' has no attribute {name!r}")
