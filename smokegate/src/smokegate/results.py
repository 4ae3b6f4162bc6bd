"""What a run leaves behind: plain, frozen values that go to JSON and come back equal.

Times of day are UTC in ISO 8601; durations and offsets are seconds. Everything that the
target sent is redacted and capped before it gets here.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

SCHEMA = 1
_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Outcome(Enum):
    """How a check or a resource ended."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Consequence(Enum):
    """What it means for the release that an expectation does not hold, mildest first."""

    WARN = "warn"
    MONITOR = "monitor"
    INVESTIGATE = "investigate"
    SHARE = "share"
    ROLLBACK = "rollback"

    @property
    def severity(self) -> int:
        """Its place in the order above, from 0."""
        return _SEVERITY_OF_CONSEQUENCE[self]


_SEVERITY_OF_CONSEQUENCE = {consequence: place for place, consequence in enumerate(Consequence)}


class Action(Enum):
    """What to do with the release, mildest first."""

    PROCEED = "proceed"
    MONITOR = "monitor"
    INCONCLUSIVE = "inconclusive"
    INVESTIGATE = "investigate"
    ROLLBACK = "rollback"

    @property
    def severity(self) -> int:
        """Its place in the order above, from 0."""
        return _SEVERITY_OF_ACTION[self]

    @property
    def opens_the_gate(self) -> bool:
        """Whether the release may go on."""
        return self in (Action.PROCEED, Action.MONITOR)


_SEVERITY_OF_ACTION = {action: place for place, action in enumerate(Action)}


class Side(Enum):
    """Whose trouble it is that a request got no reply."""

    TARGET = "target"
    RUNNER = "runner"
    UNDECIDED = "undecided"


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request got no usable reply, in words for a person."""

    kind: str
    side: Side
    summary: str
    causes: list[str]
    next_step: str
    incurable: bool = False  # rolling back would not change it


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The phases of a request in seconds; 0 where a kept connection made one unnecessary."""

    dns_s: float = 0.0
    connect_s: float = 0.0
    tls_s: float = 0.0
    wait_s: float = 0.0
    receive_s: float = 0.0
    total_s: float = 0.0
    round_trip_s: float = 0.0  # of its connection, measured when that was opened


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The leaf certificate that the target showed."""

    subject: str
    issuer: str
    not_before: str
    not_after: str


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request with its reply: the evidence."""

    number: int
    method: str
    url: str
    started_s: float
    request_headers: list[tuple[str, str]]
    request_body: str | None
    status: int | None
    reply_headers: list[tuple[str, str]]
    reply_body: str | None
    reply_bytes: int
    http_version: str
    address: str
    connection: int | None
    fresh: bool
    sends: int
    proxy: str
    timing: Timing
    certificate: Certificate | None
    trouble: Trouble | None
    curl: str


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was demanded of a reply, with what was seen."""

    demand: str
    held: bool
    seen: str
    consequence: Consequence
    exchange: int | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One go at a check or a resource."""

    number: int
    outcome: Outcome
    reason: str
    started_s: float
    duration_s: float
    expectations: list[Expectation]
    exchanges: list[Exchange]
    output: str = ""  # what the check printed
    traceback: str = ""


class ResourceResult(msgspec.Struct, frozen=True, kw_only=True):
    """Something checks share: how making it went; flaky if only the second try made it."""

    name: str
    outcome: Outcome
    reason: str
    needed_by: list[str]
    duration_s: float
    attempts: list[Attempt]
    exchanges: list[Exchange]
    flaky: bool = False
    lost_connection: int | None = None


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one check ended, with the evidence of every attempt.

    `consequence` is the most severe one of what failed, or the check's own where nothing did.
    """

    id: str
    suite: str
    name: str
    title: str
    outcome: Outcome
    consequence: Consequence
    reason: str
    blocked_by: str
    duration_s: float
    attempts: list[Attempt]
    failed_consequences: list[Consequence]
    warnings: list[str]
    flaky: bool = False
    lost_connection: int | None = None  # the one whose loss alone made the check flaky
    deprecated: str = ""
    owner: str = ""


class MissingSuite(msgspec.Struct, frozen=True, kw_only=True):
    """A required suite that gave no answer, and why."""

    suite: str
    reason: str


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of passed workflows at which the verdict changes."""

    rollback_below: float = 0.5
    monitor_above: float = 0.8


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Every outcome with its evidence."""

    run_id: str
    target: str
    environment: str
    version: str
    started_at: str
    finished_at: str
    duration_s: float
    partial: bool
    interrupted: str
    settings: dict[str, Any]
    thresholds: Thresholds
    missing_suites: list[MissingSuite]
    resources: list[ResourceResult]
    checks: list[CheckResult]
    leftovers: list[str]
    notes: list[str]
    down: str = ""  # why the whole target counts as down; empty if it does not
    schema: int = SCHEMA
    tool: str = ""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many checks ended how; workflows apart, because their share decides."""

    passed: int
    warned: int
    failed: int
    blocked: int
    unknown: int
    skipped: int
    workflows_passed: int
    workflows_applicable: int
    flaky: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, the rule that said so, and the checks that decided it."""

    action: Action
    rule: str
    reason: str
    counts: Counts
    deciding: list[str]
    partial: bool = False


class JudgedRun(Run, frozen=True, kw_only=True):
    """A run with its verdict: what reports show and `run.json` holds."""

    verdict: Verdict


def to_json(run: JudgedRun) -> bytes:
    """Encode a run as indented UTF-8 JSON with a final newline.

    Half a surrogate pair, which UTF-8 cannot hold, is written out with a backslash.
    """
    try:
        text = msgspec.json.encode(run)
    except UnicodeEncodeError:
        text = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(run)))
    return msgspec.json.format(text, indent=1) + b"\n"


def from_json(text: bytes) -> JudgedRun:
    """Decode what `to_json` wrote.

    Raises `msgspec.ValidationError` with the path of the first thing that does not fit, or
    `msgspec.DecodeError` where it is not JSON.
    """
    return msgspec.json.decode(text, type=JudgedRun)


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of `run.json`.

    It says what is written: every member is there. `from_json` also reads a run without those
    members that have a default.
    """
    schema = msgspec.json.schema(JudgedRun)
    for definition in schema["$defs"].values():
        if "properties" in definition:
            definition["required"] = list(definition["properties"])
    members = schema["$defs"]["JudgedRun"]["properties"]
    members["schema"] = {"const": SCHEMA}
    for moment in ("started_at", "finished_at"):
        members[moment] |= {"format": "date-time", "pattern": _MOMENT}
    about = {"$schema": _DIALECT, "$id": f"urn:smokegate:run:{SCHEMA}", "title": "run.json"}
    return about | schema


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(part) for key, part in value.items()}
    return [_without_surrogates(part) for part in value] if isinstance(value, list) else value
