"""What a driver asks of a location, and what that answers: JSON, bounded, without a secret."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import msgspec

from smokegate.control_run import Earlier
from smokegate.settings import Seconds, Wait

MOST_BYTES = 16 * 1024 * 1024  # of the JSON of a run
# It stands in its result as a text of JSON in JSON, each quote with a backslash before it.
MOST_RESULT_BYTES = 2 * MOST_BYTES
RUN_ID = r"^\d{8}-\d{6}-[0-9a-f]{6}$"
TASK = "smokegate.verify"
_MARK_DIGITS = 6

RunId = Annotated[str, msgspec.Meta(pattern=RUN_ID)]
Short = Annotated[str, msgspec.Meta(max_length=300)]
Url = Annotated[str, msgspec.Meta(max_length=2_000)]


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a location is to verify, and what it needs to have for that.

    `suites` and `tool` are the versions of the driver's suites and of smokegate; another version
    would answer another question.
    """

    run_id: RunId
    target: Url
    expect_version: Short
    checks: Annotated[list[Short], msgspec.Meta(max_length=10_000)]
    suites: Annotated[dict[Short, Short], msgspec.Meta(max_length=10)]
    tool: Short
    run_timeout_s: Seconds
    wait_s: Wait
    earlier: Earlier = Earlier()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of a location's run, or why there is none."""

    run: str = ""
    refused: str = ""


def read(given: object) -> Ask:
    """Read what was asked; raises `msgspec.ValidationError` for anything else."""
    return msgspec.convert(given, Ask)


def plain(message: msgspec.Struct) -> Any:
    """A message as plain data, as JSON can hold it."""
    return msgspec.to_builtins(message)


def queue(location: str) -> str:
    """The name of a location's queue."""
    return f"smokegate.location.{location}"


def run_id_at(location: str, run_id: str) -> str:
    """The id of a location's part of a run: its second, and a mark of its own.

    So nothing that is made from one location has the name of what is made from another.
    """
    mark = hashlib.sha256(f"{run_id}/{location}".encode()).hexdigest()
    return f"{run_id[:-_MARK_DIGITS]}{mark[:_MARK_DIGITS]}"
