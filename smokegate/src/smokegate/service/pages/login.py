"""The page on which one logs in, and one that a browser passes through on its way to another."""

from __future__ import annotations

import re

from smokegate.reports.page.markup import Markup, element, joined
from smokegate.service.pages.frame import Content
from smokegate.service.pages.words import href

_PAGES = re.compile(r"(?:\./|environment|check|runs?)(?:\?[!-~]*)?(?:#[a-z]+)?")
_ABOUT = (
    "The token is the one that smokegate serve was started with. Your name is shown beside labels "
    "that you set."
)


def safe_next(address: str) -> str:
    """A page of ours to go on to; the overview for anything else."""
    return address if _PAGES.fullmatch(address) else "./"


def address(next_page: str) -> str:
    """Where one logs in to go on to a page."""
    return href("login", next=safe_next(next_page))


def page(next_page: str, wrong: str = "") -> Content:
    """The form; what was wrong with the last try stands above it."""
    fields = [
        _field("Your name", name="name", autocomplete="username", maxlength="200"),
        _field("Token", name="token", type="password", autocomplete="current-password"),
    ]
    form = element(
        "form",
        *fields,
        element("button", "Log in"),
        method="post",
        action=address(next_page),
        class_="login",
    )
    told = element("p", wrong, class_="reason", role="alert") if wrong else Markup()
    head = element("h1", "Log in", class_="verdict name")
    about = element("p", _ABOUT, class_="lead")
    return Content(title="Log in", head=joined(head, told, about, form))


def _field(words: str, **attributes: str | bool) -> Markup:
    return element("label", element("span", words), element("input", **attributes))


def passage() -> str:
    """A page that leads to where it stands.

    Cookies that are strictly ours are not sent where a link on another site leads here, but they
    are from here on.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>smokegate</title>'
        '<meta http-equiv="refresh" content="0"></head><body><main><p><a href="">Go on</a></p>'
        "</main></body></html>\n"
    )
