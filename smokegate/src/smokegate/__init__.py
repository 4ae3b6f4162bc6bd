"""smokegate verifies a deployment and says, with evidence, what to do.

What suites import:

    from smokegate import Client, HealthSuite, WorkflowSuite, expect, resource, removes
"""

from smokegate.checks import (
    HealthSuite,
    WorkflowSuite,
    consequence,
    deprecated,
    exclusive,
    owner,
)
from smokegate.client import Client, Reply
from smokegate.expect import INVESTIGATE, MONITOR, ROLLBACK, WARN, expect, expect_all
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
    "removes",
    "resource",
]
