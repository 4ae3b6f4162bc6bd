"""What a run leaves behind: plain, frozen values that go to JSON and come back equal.

Times of day are UTC in ISO 8601; durations and offsets are seconds. Everything that the
target sent is redacted and capped before it gets here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Annotated, Any

import msgspec

SCHEMA = 1
_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"
_DATE_CHARS = len("2026-12-31")
_ORIGIN = re.compile(r"^[a-z]+://[^/?#]*", re.IGNORECASE)
_SPECIAL = re.compile(r"[^\x20-\x7e\n]+")
_PIECE_BYTES = 100_000
_SHORT_DIGITS = 12
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Outcome(Enum):
    """How a check or a resource ended."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"

    @property
    def passes(self) -> bool:
        """Whether everything that was demanded held, with warnings or without."""
        return self in (Outcome.PASSED, Outcome.WARNED)

    @property
    def fails(self) -> bool:
        """Whether it is the target that is wrong."""
        return self in (Outcome.FAILED, Outcome.BLOCKED)


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
    round_trip_s: float = 0.0  # the shortest that was seen to this address so far


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

    @property
    def path(self) -> str:
        """The path of its URL with the query."""
        path = _ORIGIN.sub("", self.url).partition("#")[0]
        return path if path.startswith("/") else f"/{path}"


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was demanded of a reply, with what was seen."""

    demand: str
    held: bool
    seen: str
    consequence: Consequence
    exchange: int | None

    def exchange_in(self, exchanges: Iterable[Exchange]) -> Exchange | None:
        """The exchange that it was demanded of; None where it was no single one."""
        return next((each for each in exchanges if each.number == self.exchange), None)


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
    asserted: bool = False  # it failed by what is not among its expectations, a plain assert
    # Of all that were sent; a sample keeps only the exchanges that failed.
    requests: int = 0
    requests_s: float = 0.0

    @property
    def last_exchange(self) -> Exchange | None:
        """The last one that came to an end of its own, rather than being given up."""
        ended = [each for each in self.exchanges if not _was_given_up(each)]
        return ended[-1] if ended else None


def _was_given_up(exchange: Exchange) -> bool:
    return exchange.trouble is not None and exchange.trouble.kind == "abandoned"


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
    owner: str = ""  # the third party that answers for what the check looks at
    quarantined_until: str = ""  # the first day, in UTC, on which it counts again
    quarantine_reason: str = ""
    remarks: list[str] = []  # what a reader should know and no outcome says
    samples: dict[str, list[float]] = {}  # seconds, by what was measured
    only_from: list[str] = []  # the locations that saw it fail, where the others did not

    def decides(self, moment: str) -> bool:
        """Whether its outcome has a say in a run that began at a moment (ISO 8601, UTC)."""
        applies = self.outcome is not Outcome.SKIPPED
        return applies and not self.deprecated and not self.is_quarantined(moment)

    def is_quarantined(self, moment: str) -> bool:
        """Whether it has no say for the time being; from the day on that is named it has."""
        return moment[:_DATE_CHARS] < self.quarantined_until


class MissingSuite(msgspec.Struct, frozen=True, kw_only=True):
    """A required suite that gave no answer, and why."""

    suite: str
    reason: str


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of passed workflows at which the verdict changes."""

    rollback_below: Share = 0.5
    monitor_above: Share = 0.8


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What a control run saw before the deployment.

    `failed` holds, by the id of a check, a key for each expectation that did not hold; `applied`
    names the checks that passed or failed by themselves. `unusable` says why it is not compared
    with; then it excuses nothing.
    """

    run_id: str
    target: str
    version: str
    started_at: str
    action: Action
    suites: dict[str, str]
    applied: list[str]
    failed: dict[str, list[str]]
    unusable: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Every outcome with its evidence.

    `probes` are what smokegate tries by itself, beside the suites. `suites` tells by a digest which
    version of each suite ran. `earlier_samples` are those of good runs before this one, the latest
    last. A run from several locations is what theirs were merged into: its checks have the attempts
    of the location that tells most, and `locations` has all.
    """

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
    probes: list[CheckResult] = []
    suites: dict[str, str] = {}
    baseline: Baseline | None = None
    earlier_samples: dict[str, list[list[float]]] = {}
    down: str = ""  # why the whole target counts as down; empty if it does not
    stale: str = ""  # what is served everywhere instead of the expected version, if it is
    locations: list[LocationRun] = []  # what each location saw, where there are several
    quorum: str = ""  # how many of them make a failure the target's
    schema: int = SCHEMA
    tool: str = ""

    @property
    def everything(self) -> list[CheckResult]:
        """The probes and the checks of the suites."""
        return [*self.probes, *self.checks]

    @property
    def attempts(self) -> list[Attempt]:
        """Every attempt at a probe, a check or a resource, from every location."""
        if self.locations:
            return [each for one in self.locations if one.run for each in one.run.attempts]
        owners: list[CheckResult | ResourceResult] = [*self.everything, *self.resources]
        return [attempt for owner in owners for attempt in owner.attempts]


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


class Mitigation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a failure weighs less than it would: rolling back would not cure it."""

    check: str
    reason: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What to do, the rule that said so, and the checks that decided it.

    It names the version that it is about and the number of requests that it stands on.
    """

    action: Action
    rule: str
    reason: str
    counts: Counts
    deciding: list[str]
    partial: bool = False
    version: str = ""
    requests: int = 0
    mitigated: list[Mitigation] = []


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """The digest of one part of a run and of all parts before it."""

    part: str
    digest: str


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """Binds the verdict to the evidence; `head` is the last link, over which the signature goes."""

    links: list[Link]
    head: str
    signature: str = ""

    @property
    def short(self) -> str:
        """Enough of the head to compare by eye."""
        return self.head[:_SHORT_DIGITS]


class JudgedRun(Run, frozen=True, kw_only=True):
    """A run with its verdict: what reports show and `run.json` holds."""

    verdict: Verdict
    seal: Seal | None = None


class LocationRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run of one location as it was sealed there, or why there is none."""

    name: str
    run: JudgedRun | None = None
    reason: str = ""


def to_json(record: msgspec.Struct) -> bytes:
    """Encode a run or a part of it as indented UTF-8 JSON with a final newline, safe to print.

    Half a surrogate pair, which UTF-8 cannot hold, is written out with a backslash. So is what
    would act on a terminal, and what a CI system would take for a command.
    """
    text = msgspec.json.format(_encoded(record), indent=1)
    return b"".join(map(_safe_to_print, _pieces(text))) + b"\n"


def from_json(text: bytes) -> JudgedRun:
    """Decode what `to_json` wrote.

    Raises `msgspec.ValidationError` with the path of the first thing that does not fit, or
    `msgspec.DecodeError` where it is not JSON.
    """
    return msgspec.json.decode(text, type=JudgedRun)


def look_at_types() -> None:
    """Look at every type of a run, as the first `from_json` would: before there is one in a hurry.

    It must be done where several threads are to read runs: of those that are the first to meet a
    type, and do so at once, msgspec 0.22 lets some crash the process.
    """
    msgspec.json.Decoder(JudgedRun)


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of `run.json`.

    It says what is written: every member is there. `from_json` also reads a run without those
    members that have a default.
    """
    from inspect import cleandoc

    schema = msgspec.json.schema(JudgedRun)
    for definition in schema["$defs"].values():
        if "description" in definition:  # before Python 3.13 it is as indented as in the source
            definition["description"] = cleandoc(definition["description"])
        if "properties" in definition:
            definition["required"] = list(definition["properties"])
    members = schema["$defs"]["JudgedRun"]["properties"]
    members["schema"] = {"const": SCHEMA}
    for moment in ("started_at", "finished_at"):
        members[moment] |= {"format": "date-time", "pattern": _MOMENT}
    about = {"$schema": _DIALECT, "$id": f"urn:smokegate:run:{SCHEMA}", "title": "run.json"}
    return about | schema


def _encoded(record: msgspec.Struct) -> bytes:
    try:
        return msgspec.json.encode(record)
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(msgspec.to_builtins(record)))


def _pieces(text: bytes) -> Iterator[bytes]:
    """Cut a text between lines: one character may make a decoded one four times as large."""
    at = 0
    while at < len(text):
        end = text.find(b"\n", at + _PIECE_BYTES) + 1 or len(text)
        yield text[at:end]
        at = end


def _safe_to_print(piece: bytes) -> bytes:
    if piece.isascii() and b"\x7f" not in piece and b"##" not in piece:
        return piece  # the other control characters are written out in any JSON
    return _SPECIAL.sub(_printable, piece.decode()).replace("##", r"#\u0023").encode()


def _printable(match: re.Match[str]) -> str:
    """Write out what is unprintable; in indented JSON it can only stand in a string."""
    return "".join(each if each.isprintable() else _as_code(each) for each in match[0])


def _as_code(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(rf"\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(part) for key, part in value.items()}
    return [_without_surrogates(part) for part in value] if isinstance(value, list) else value
