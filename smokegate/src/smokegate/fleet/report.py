"""The report of a fleet: as JSON, as JUnit XML with a case for each target, and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import msgspec

from smokegate.fleet.progress import in_words
from smokegate.fleet.standing import FleetReport, Standing
from smokegate.reports.document import document
from smokegate.reports.files import write_together
from smokegate.reports.page import style
from smokegate.reports.page.headline import icon_of
from smokegate.reports.page.markup import Markup, element, joined, table
from smokegate.reports.wording import seconds, several
from smokegate.results import Action

_TEMPLATE = Path(__file__).parents[1] / "reports" / "html" / "run.html"
_FAILURES = frozenset({Action.ROLLBACK, Action.INVESTIGATE})
_MOST_ROWS = 5_000


def write(report: FleetReport, folder: Path) -> list[Path]:
    """Write the report into a folder and return the paths; raises `ReportError`."""
    return write_together(
        folder,
        report.started_at,
        {
            ("fleet", ".json"): lambda: to_json(report),
            ("fleet", ".xml"): lambda: junit(report),
            ("fleet", ".html"): lambda: page(report).encode("utf-8", "backslashreplace"),
        },
    )


def to_json(report: FleetReport) -> bytes:
    """The report as JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def junit(report: FleetReport) -> bytes:
    """A suite with a case for each target."""
    actions = [each.action for each in report.targets]
    root = Element(
        "testsuite",
        name="fleet",
        tests=str(len(actions)),
        failures=str(sum(action in _FAILURES for action in actions)),
        errors=str(actions.count(Action.INCONCLUSIVE)),
        skipped="0",
        time=f"{report.duration_s:.3f}",
    )
    for each in report.targets:
        case = SubElement(
            root, "testcase", classname="fleet", name=each.name, time=f"{each.duration_s:.3f}"
        )
        if each.action is Action.MONITOR:
            SubElement(case, "system-out").text = f"monitor: {each.reason}"
        elif each.action is not Action.PROCEED:
            kind = "failure" if each.action in _FAILURES else "error"
            ending = SubElement(case, kind, type=each.action.value, message=each.reason)
            ending.text = "\n".join([each.target, *each.causes])
    indent(root, " ")
    text: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def page(report: FleetReport) -> str:
    """One page with every target, the worst first; it leads to the pages of their own."""
    shown = report.targets[:_MOST_ROWS]
    return document(
        _TEMPLATE.read_text(encoding="utf-8"),
        style=style(),
        title=joined(f"{report.worst.name}: {several(len(report.targets), 'target')}"),
        icon=icon_of(report.worst),
        verdict=_headline(report),
        contents=Markup(),
        sections=element(
            "section",
            element("h2", "Targets, the worst first"),
            table(
                ["Target", "Verdict", "Version", "Environment", "Took", "Why"],
                (_row(each) for each in shown),
            ),
        ),
        about=joined(_left_out(report)),
    )


def _headline(report: FleetReport) -> Markup:
    action = report.worst.value
    told = [f"{in_words(report.counts)}."]
    if report.interrupted:
        told.append(f"It was interrupted by {report.interrupted}: not all were verified.")
    facts = {
        "Targets": str(len(report.targets)),
        "Began": report.started_at.partition(".")[0].replace("T", " ") + " UTC",
        "Took": seconds(report.duration_s),
    }
    return joined(
        element("p", "Fleet", class_="target"),
        element("h1", action.upper(), class_=f"verdict {action}"),
        element("p", " ".join(told), class_="why"),
        element("dl", *(_fact(*each) for each in facts.items()), class_="facts"),
    )


def _fact(name: str, value: str) -> Markup:
    return element("div", element("dt", name), element("dd", value))


def _row(standing: Standing) -> Markup:
    name: str = standing.name
    if standing.page:
        name = element("a", standing.name, href=quote(standing.page))
    return element(
        "tr",
        *(element("td", cell) for cell in _cells(standing, name)),
    )


def _cells(standing: Standing, name: str) -> Iterator[str]:
    yield joined(name, element("p", standing.target, class_="lead"))
    yield standing.action.value
    yield standing.version
    yield standing.environment
    yield seconds(standing.duration_s)
    why = standing.causes or [standing.reason]
    yield joined(*(element("p", each) for each in why))


def _left_out(report: FleetReport) -> str:
    more = len(report.targets) - _MOST_ROWS
    return f"{more} more targets stand in fleet.json." if more > 0 else ""
