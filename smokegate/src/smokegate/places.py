"""From where targets have let a run in: what tells a later run whose a connect timeout is.

One small file beside the journals, without secrets: for each target, by host and port, our own
addresses that have reached it. What cannot be read from it is not known.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from smokegate.client.standing import origin

FILE_NAME = "places.json"
_MOST = 1_000  # the oldest go first
_MOST_BYTES = 1_000_000


class Places(msgspec.Struct, frozen=True):
    """What the file holds: pairs of a target and an address of ours, the latest last."""

    places: list[tuple[str, str]] = []


def known(folder: Path, url: str) -> frozenset[str]:
    """Our own addresses from which a target is known to let us in."""
    return frozenset(ours for target, ours in _read(folder).places if target == _key(url))


def remember(folder: Path, url: str, sources: Iterable[str]) -> str:
    """Add addresses from which a target has let us in; say so if that cannot be written."""
    new = [(_key(url), source) for source in sorted(sources)]
    if not new:
        return ""
    places = [*_read(folder).places, *new]
    try:
        _write(folder / FILE_NAME, msgspec.json.encode(Places(places[-_MOST:])))
    except OSError as error:
        path = folder / FILE_NAME
        return f"that the target lets us in was not noted in {path}: {error.strerror or error}"
    return ""


def _key(url: str) -> str:
    _, host, port = origin(url)
    return f"{host}:{port}"


def _read(folder: Path) -> Places:
    try:
        with (folder / FILE_NAME).open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=Places)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return Places()  # without it a timeout is nobody's, which is the safe side


def _write(path: Path, content: bytes) -> None:
    """Put a whole file in place of the one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
