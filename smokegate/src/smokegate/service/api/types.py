"""What goes in and out of the API, beside what the history itself gives."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from smokegate.history.detection import DeploymentLine
from smokegate.history.labels import NOTE_CHARS
from smokegate.history.outcomes import Ending
from smokegate.history.trends import CheckTally

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class LabelGiven(msgspec.Struct, forbid_unknown_fields=True):
    """What a verdict was worth. `author` is who says so; a user whom a proxy names wins over it."""

    label: Literal["false-alarm", "true-alarm", "missed"]
    note: Annotated[str, msgspec.Meta(max_length=NOTE_CHARS)] = ""
    author: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """The label of a run."""

    run_id: str
    label: str
    note: str
    author: str


class DeploymentGiven(msgspec.Struct, forbid_unknown_fields=True):
    """A version that was deployed; `deployed_at` is ISO 8601, empty for now.

    `environment` and `target` are those of the runs that verify it.
    """

    version: Name
    target: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    environment: Name = "production"
    deployed_at: str = ""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment that was marked."""

    environment: str
    target: str
    version: str
    deployed_at: str


class Deployments(msgspec.Struct, frozen=True, kw_only=True):
    """Deployments, the newest first."""

    deployments: list[DeploymentLine]


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    """Checks in the order of their ids."""

    checks: list[CheckTally]


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """The last results of a check, the newest first."""

    results: list[Ending]
