"""What is shown where something cannot be."""

from __future__ import annotations

from http import HTTPStatus

from smokegate.reports.page.markup import element, joined
from smokegate.service.pages.frame import Content

_TITLES = {
    HTTPStatus.SERVICE_UNAVAILABLE: "The history does not answer",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here",
    HTTPStatus.NOT_FOUND: "Not here",
}


def page(status: int, detail: str) -> Content:
    """A refusal in words."""
    known = HTTPStatus(status)
    title = _TITLES.get(known, known.phrase)
    number = element("p", f"{status} {known.phrase}", class_="eyebrow")
    head = element("h1", title, class_="verdict name")
    return Content(title=title, head=joined(number, head, element("p", detail, class_="why")))
