"""Reading a `run.json` back; whatever the file holds, what is wrong with it is one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from smokegate.errors import UsageError
from smokegate.results import SCHEMA, JudgedRun, from_json
from smokegate.seal import altered_part, document_of

STDIN = "-"
_MOST_BYTES = 256 * 1024 * 1024


class RunFile(NamedTuple):
    """A run as a file holds it, and the first part that was altered there; empty if none was."""

    run: JudgedRun
    altered: str


class _Versioned(msgspec.Struct):
    schema: int


def read_run(file: str | Path, asked_by: str) -> RunFile:
    """Read a run and look whether it is as it was sealed; "-" is standard input.

    Raises `UsageError` if it is none, naming the option or command that asked for it.
    """
    text = _read(file, asked_by)
    try:
        schema = msgspec.json.decode(text, type=_Versioned).schema
        if schema == SCHEMA:
            return RunFile(from_json(text), altered_part(document_of(text)))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{asked_by}: {file} is not the JSON of a run: {reason}") from None
    raise UsageError(f"{asked_by}: {file} is of schema {schema}; this smokegate reads {SCHEMA}")


def _read(file: str | Path, asked_by: str) -> bytes:
    try:
        if file == STDIN:
            text = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                text = opened.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{asked_by}: {file} cannot be read: {reason}") from None
    if len(text) > _MOST_BYTES:
        raise UsageError(f"{asked_by}: {file} is larger than {_MOST_BYTES // 2**20} MiB")
    return text
