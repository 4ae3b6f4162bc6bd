"""From where targets have let a run in: what tells a later run whose a connect timeout is.

One small file beside the journals, without secrets: for each target, by host and port, our own
addresses that have reached it. What cannot be read from it is not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from smokegate.client.standing import origin
from smokegate.whole_file import write_whole

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
    path = folder / FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, msgspec.json.encode(Places(places[-_MOST:])), mode=0o600)
    except OSError as error:
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
