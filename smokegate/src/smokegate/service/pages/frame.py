"""What all pages have around them: the way to the others, who is logged in, where the data is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from smokegate import __version__
from smokegate.reports import page as report
from smokegate.reports.document import family
from smokegate.reports.page import Section, link_to, section
from smokegate.reports.page.markup import Markup, element, joined
from smokegate.results import Action
from smokegate.service.access.visitors import Visitor
from smokegate.service.pages.words import href, link

_HTML = Path(__file__).with_name("html")
_COLORS = {
    Action.PROCEED.value: "1d7a58",
    Action.MONITOR.value: "2f9470",
    Action.INVESTIGATE.value: "94610f",
    Action.INCONCLUSIVE.value: "868e97",
    Action.ROLLBACK.value: "c42b2b",
}
_LONG = 4  # sections from which on a page tells what is on it
_CALM = "566069"


class Content(NamedTuple):
    """A page: its title, a verdict that its icon has the colour of, its head, and its sections.

    `data` is where the API has the same.
    """

    title: str
    head: Markup
    sections: Sequence[Section] = ()
    verdict: str = ""
    data: str = ""


@cache
def style_sheet() -> str:
    """The style of every page: that of all, that of a run's report, and what comes on top."""
    return family() + report.style() + (_HTML / "dashboard.css").read_text(encoding="utf-8")


@cache
def style_name() -> str:
    """The name of the style sheet; another style has another, so it can be kept for ever."""
    return f"style-{sha256(style_sheet().encode()).hexdigest()[:12]}.css"


def framed(content: Content, visitor: Visitor, login: str = "") -> str:
    """A page as HTML; `login` is where one can log in, empty where one cannot."""
    there = [each for each in content.sections if each.content]
    contents = element("nav", *map(link_to, there), aria_label="On this page")
    head = joined(content.head, contents if len(there) >= _LONG else "")
    body = element(
        "body",
        element("a", "Skip to the content", href="#content", class_="skip"),
        element("header", _top(visitor, login), head, class_="wide"),
        element("main", *map(section, there), class_="wide", id="content", tabindex="-1"),
        _foot(content),
    )
    return f'<!doctype html>\n<html lang="en">\n{_head(content)}\n{body}\n</html>\n'


def _head(content: Content) -> Markup:
    color = _COLORS.get(content.verdict, _CALM)
    icon = (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
        f"%3Ccircle cx='8' cy='8' r='7' fill='%23{color}'/%3E%3C/svg%3E"
    )
    return element(
        "head",
        Markup(
            '<meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f'<link rel="icon" href="{icon}"><link rel="stylesheet" href="{style_name()}">'
        ),
        element("title", f"{content.title} - smokegate"),
    )


def _top(visitor: Visitor, login: str) -> Markup:
    brand = element("a", "smokegate", href="./", class_="brand")
    pages = (brand, link("Overview", ""), link("Runs", "runs"))
    return element("nav", *pages, *_login(visitor, login), aria_label="Pages", class_="top")


def _login(visitor: Visitor, login: str) -> Iterable[Markup]:
    if visitor.name:
        yield element("span", visitor.name, class_="who")
    if visitor.has_session:
        token = element("input", type="hidden", name="form", value=visitor.form_token)
        button = element("button", "Log out", class_="plain")
        yield element("form", token, button, method="post", action="logout")
    elif login and not visitor.may_write:
        yield element("a", "Log in", href=login)


def _foot(content: Content) -> Markup:
    data = link("this page as JSON", content.data) if content.data else ""
    pieces = [
        f"smokegate {__version__}; all times are UTC. ",
        joined("The same data: ", data, ", ") if data else "",
        link("API", "api/openapi.json"),
        ", ",
        link("metrics", "metrics"),
        ".",
    ]
    return element("footer", element("p", *pieces), class_="wide")


def choices(name: str, those: Iterable[tuple[str, str, bool]]) -> Markup:
    """Links of which one is where one is: their words, their addresses, and whether it is."""
    links = [
        element("a", words, href=address, aria_current="true" if is_here else "")
        for words, address, is_here in those
    ]
    label = element("span", name, class_="label")
    return element("nav", label, *links, aria_label=name, class_="choices")


def day_choices(page: str, days: int, **query: str) -> Markup:
    """How many days are looked at."""
    there = sorted({7, 30, 90, 365, days})
    return choices(
        "Days", ((f"{each}", href(page, **query, days=each), each == days) for each in there)
    )
