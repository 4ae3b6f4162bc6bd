"""The report of one run as a page: loads nothing, runs nothing, opens from a file.

It is written at the end of a run, so it is made quickly: strings, and pictures of rectangles.
Whatever the target sent is text in it, with what could act written out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from smokegate.reports.causes import shared_causes
from smokegate.reports.document import document
from smokegate.reports.last_good import LastGood
from smokegate.reports.locations import locations_in_words
from smokegate.reports.page import closing, headline
from smokegate.reports.page.before import compared
from smokegate.reports.page.entries import Room, anchor, check_entry, resource_entry
from smokegate.reports.page.exchanges import legend
from smokegate.reports.page.failures import failures
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.reports.page.since import since
from smokegate.reports.page.waterfall import waterfall
from smokegate.reports.wording import NOT_PASSED, several
from smokegate.results import CheckResult, JudgedRun, ResourceResult

_EVIDENCE_CHARS = 800_000
_OPEN = 5
_ENTRIES = 600
_HTML = Path(__file__).parents[1] / "html"

Entries = dict[str, Markup]


class Section(NamedTuple):
    """A part of the page that the contents lead to; one without content is left out."""

    name: str
    short: str
    title: str
    content: Markup


def page(run: JudgedRun, last_good: LastGood | None = None) -> str:
    """Make the page of a run, beside the last good one before it; the same runs give the same."""
    room = Room(_EVIDENCE_CHARS)
    sections = [each for each in _sections(run, last_good, room) if each.content]
    return document(
        _part("run.html"),
        style=style(),
        title=headline.title(run),
        icon=headline.icon(run),
        verdict=headline.headline(run),
        contents=joined(*map(link_to, sections)),
        sections=joined(*map(section, sections)),
        about=closing.about(run, room.left_out),
    )


def style() -> str:
    """What the page looks like, beyond what all pages share."""
    return _part("run.css")


def _sections(run: JudgedRun, last_good: LastGood | None, room: Room) -> Iterator[Section]:
    number = len(shared_causes(run)) + len(run.missing_suites)
    causes = f"What did not pass: {several(number, 'cause')}"
    yield Section("failures", "What did not pass", causes, failures(run, room))
    places = closing.listed(locations_in_words(run))
    yield Section("locations", "Locations", "From each location", places)
    yield Section("left", "Left behind", "Left behind", closing.left_behind(run))
    yield Section("warnings", "Warnings", "Warnings", closing.warnings(run))
    yield Section("notes", "Notes", "Notes", closing.listed(run.notes))
    now = since(run, last_good)
    yield Section("since", "Last good run", "Since the last good run", now)
    yield Section("before", "Before and now", "Compared with before", compared(run))
    yield Section("waterfall", "Timeline", "What ran when", waterfall(run))
    entries = _entries(run, room)
    yield from _suites(run, entries)
    probes, resources = _listed(run.probes, entries), _listed(run.resources, entries)
    yield Section("probes", "Probes", "Probes: what smokegate tries by itself", probes)
    yield Section("resources", "Resources", "Resources: what checks share", resources)
    yield Section("decision", "Decision", "How it was decided", closing.decision(run))


def _suites(run: JudgedRun, entries: Entries) -> Iterator[Section]:
    """A section for each suite; the first begins with what the bars mean."""
    first = legend()
    for suite in dict.fromkeys(check.suite for check in run.checks):
        checks = [check for check in run.checks if check.suite == suite]
        name = suite.capitalize()
        yield Section(f"suite.{suite}", name, name, joined(first, _listed(checks, entries)))
        first = Markup()


def _entries(run: JudgedRun, room: Room) -> Entries:
    """Every entry by its anchor; what did not pass has the first right to the room."""
    opened = {shared.checks[0].id for shared in shared_causes(run)[:_OPEN]}
    everything: list[CheckResult | ResourceResult] = [*run.everything, *run.resources]
    everything.sort(key=lambda each: (anchor(each) not in opened, each.outcome not in NOT_PASSED))
    return {
        anchor(each): check_entry(each, run, room, is_open=each.id in opened)
        if isinstance(each, CheckResult)
        else resource_entry(each, room, is_open=each.outcome in NOT_PASSED)
        for each in everything[:_ENTRIES]
    }


def _listed(every: list[CheckResult] | list[ResourceResult], entries: Entries) -> Markup:
    shown = [entries[anchor(each)] for each in every if anchor(each) in entries]
    if len(shown) < len(every):
        words = f"{len(every) - len(shown)} more found no room on this page; run.json has them"
        shown.append(element("p", words, class_="more"))
    return joined(*shown)


def link_to(there: Section) -> Markup:
    """A link to a section."""
    return element("a", there.short, href=f"#{there.name}")


def section(there: Section) -> Markup:
    """A section under its title."""
    heading = element("h2", there.title, id=there.name)
    return element("section", heading, there.content, aria_labelledby=there.name)


def _part(name: str) -> str:
    return (_HTML / name).read_text(encoding="utf-8")
