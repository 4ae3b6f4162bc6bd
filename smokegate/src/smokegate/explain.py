"""Derives a verdict again from its evidence, and looks whether that is intact."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

import msgspec

from smokegate.gate import TOOL
from smokegate.reports.escaping import one_line
from smokegate.reports.explanation import explanation
from smokegate.reports.outlet import Outlet
from smokegate.results import JudgedRun, Verdict
from smokegate.run_file import RunFile, read_run
from smokegate.seal import is_signed
from smokegate.settings import Settings
from smokegate.verdict import judge


def run(file: str, settings: Settings, stream: TextIO) -> int:
    """Explain the verdict of a `run.json`: 0 if it follows from the evidence and that is intact.

    1 if not. Raises `UsageError` for a file that is no run.
    """
    read = read_run(file, "explain")
    outlet = Outlet(stream)
    for line in explanation(read.run, width=outlet.width):
        outlet.line(line)
    outlet.line("")
    flaws = list(_flaws(read, settings.signing_key))
    for flaw in flaws:
        outlet.line(f"✗ {flaw}")
    if not flaws:
        outlet.line("✓ The verdict follows from the evidence, and nothing was altered.")
        outlet.line(f"  {_seal(read.run, settings)}")
    return 1 if flaws else 0


def _flaws(read: RunFile, key: str) -> Iterator[str]:
    """What is wrong with a run, each in a line."""
    if read.altered:
        yield f"The evidence was altered: {one_line(read.altered)} is not as it was sealed."
    if key and not is_signed(read.run, key):
        yield "The signature was not made with this signing_key."
    yield from _differences(read.run)
    if read.run.locations:
        yield from _differences_between_locations(read.run)


def _differences_between_locations(judged: JudgedRun) -> Iterator[str]:
    """Where the run is not what those of its locations come to, or theirs not what they say."""
    from smokegate.locations.merging import MERGED, merged

    again = merged(judged)
    for name in MERGED:
        if getattr(judged, name) != getattr(again, name):
            yield f"The run does not follow from those of its locations: {name} differ."
    for location in judged.locations:
        if location.run:
            yield from (f"{one_line(location.name)}: {flaw}" for flaw in _differences(location.run))


def _differences(judged: JudgedRun) -> Iterator[str]:
    """What the verdict would be in its place."""
    derived = judge(judged)
    for name in Verdict.__struct_fields__:
        recorded, again = getattr(judged.verdict, name), getattr(derived, name)
        if recorded != again:
            yield f"The verdict does not follow: {name} is {_short(again)}, not {_short(recorded)}."
    if judged.verdict != derived and judged.tool != TOOL:
        yield f"It was judged by {one_line(judged.tool)}; this is {TOOL}, whose rules may differ."


def _seal(judged: JudgedRun, settings: Settings) -> str:
    assert judged.seal is not None  # noqa: S101 - without one there is a flaw
    words = "not signed"
    if judged.seal.signature:
        words = (
            "signed with this key" if settings.signing_key else "signed; no signing_key to check"
        )
    return f"seal {judged.seal.short}, {words}"


def _short(value: Any) -> str:
    return one_line(repr(msgspec.to_builtins(value)), 200)
