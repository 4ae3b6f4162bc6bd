"""Reads pages and sends their forms as a browser does, with the session as a cookie."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from smokegate import Client, Reply, expect

ADA, BOB = "ada@example.com", "bob@example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Page(HTMLParser):
    """A page of HTML: `inputs` by their form's action, `texts` by class, and `links`."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inputs: dict[str, dict[str, str]] = {}
        self.texts: dict[str, list[str]] = {}
        self.links: list[str] = []
        self._action = self._class = self._tag = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what opens."""
        given = {name: value or "" for name, value in attrs}
        if given.get("class"):
            self._class, self._tag = given["class"], tag
            self.texts.setdefault(self._class, []).append("")
        if tag == "form":
            self._action = given.get("action", "")
            self.inputs[self._action] = {}
        elif tag == "input":
            self.inputs.setdefault(self._action, {})[given.get("name", "")] = given.get("value", "")
        elif tag == "a":
            self.links.append(given.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        """Note that what follows is of no class."""
        if tag == self._tag:
            self._class = ""

    def handle_data(self, data: str) -> None:
        """Add to the text of the class that is open."""
        if self._class:
            self.texts[self._class][-1] += data


def page_of(reply: Reply, status: int = 200) -> Page:
    """Demand a page, in HTML that says that it is UTF-8, and read it."""
    expect(reply).status(status).header("Content-Type", has="charset=utf-8")
    expect(reply).that("it is HTML", reply.media_type == "text/html", seen=reply.media_type)
    return Page(reply.text)


async def see(client: Client, session: str, path: str) -> Reply:
    """Ask for a page with a session; smokegate keeps no cookies by itself."""
    return await client.get(path, headers={"Cookie": session})


async def submit(
    client: Client,
    session: str,
    page: Reply,
    action: str,
    filled_in: dict[str, str] | None = None,
    *,
    creates: tuple[str, str] | None = None,
) -> Reply:
    """Send a form of a page: what it holds, and what is filled in; only what it asks for can be."""
    inputs, wanted = page_of(page).inputs.get(action, {}), filled_in or {}
    asked = {"csrf_token", *wanted}
    expect(page).that(
        "the form asks for all of it", asked <= inputs.keys(), seen=f"{action} {inputs}"
    )
    return await send(client, session, action, inputs | wanted, creates=creates)


async def send(
    client: Client,
    session: str,
    action: str,
    values: dict[str, str],
    *,
    creates: tuple[str, str] | None = None,
) -> Reply:
    """Send a form, whether or not a page has it."""
    headers, body = {**FORM, "Cookie": session}, urlencode(values).encode()
    return await client.post(action, body=body, headers=headers, creates=creates)


async def log_in(client: Client, email: str, password: str = "") -> Reply:
    """Try a password, by default that of the setting `test_password`."""
    form = await client.get("/login")
    words = {"email": email, "password": password or client.settings.test_password}
    return await submit(client, cookie_of(form), form, "/login", words)


def cookie_of(reply: Reply) -> str:
    """The cookie that a reply sets, as it is to be sent; empty if it sets none."""
    return (reply.header("Set-Cookie") or "").partition(";")[0]


def expect_to_lead(reply: Reply, path: str) -> None:
    """Demand a redirect after a POST, which smokegate does not follow."""
    location = reply.header("Location") or "no such header"
    there, seen = expect(reply).status(303), f"{location}, not {path}"
    there.that("it leads where it should", urlsplit(location).path == path, seen=seen)


async def enter(client: Client, email: str) -> str:
    """Log in, and give the session's cookie."""
    entered = await log_in(client, email)
    expect_to_lead(entered, "/bookings")
    return cookie_of(entered)
