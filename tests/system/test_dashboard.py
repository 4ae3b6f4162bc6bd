"""People at the dashboard, in a real browser: what they see, what they do, and who cannot.

UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/system/test_dashboard.py

takes the pictures of the documentation anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from smokegate.history.labels import set_label
from smokegate.history.queries import run as kept_run
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from smokegate.service.access.visitors import Rules
from smokegate.service.app import application

from tests.gate.history.histories import take_in
from tests.gate.service.serving import serving
from tests.gate.service.some_weeks import FALSE_ALARM, LATER, NOW_S, some_weeks
from tests.system.browser import CHROMIUM, Visit, chromium
from tests.system.command import ENDED_WITHIN_S, ROOT

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium: make ci-tools")

TOKEN = "a-token-of-these-tests"
PICTURES = ROOT / "docs/pictures"
CHECK = "health.test_database_connection"
PAGES = {
    "overview": "./",
    "environment": "environment?environment=production",
    "check": f"check?id={CHECK}&environment=production",
    "alarm": f"run?id={FALSE_ALARM}",
    "good run": f"run?id={LATER}",
    "runs": "runs",
    "login": "login",
    "not there": "run?id=nothing",
}
WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
_UPPER_PART = {"x": 0, "y": 0, "width": 1280, "height": 1560}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
expect.set_options(timeout=ENDED_WITHIN_S * 1000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    there = opened(f"sqlite:///{tmp_path_factory.mktemp('dashboard') / 'history.db'}")
    take_in(there, some_weeks())
    yield there
    there.close()


@pytest.fixture(scope="module")
def address(store: Store) -> Iterator[str]:
    with serving(application(store, Rules(token=TOKEN), clock=lambda: NOW_S)) as there:
        yield f"{there}/"


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """Somebody at a wide window; they leave no label behind."""
    yield from visiting(browser, address)


def visiting(browser: Browser, address: str, **looks: Any) -> Iterator[Visit]:
    made = Visit(browser, address, **(looks or WIDE))
    yield made
    made.close()
    assert made.flaws == []
    assert made.asked <= {address.rstrip("/")}, "nobody else is asked for anything"


@pytest.fixture(autouse=True)
def without_labels(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    with request.getfixturevalue("store").transaction() as connection:
        set_label(connection, FALSE_ALARM, "")


def log_in(page: Page) -> None:
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()


def picture(page: Page, name: str, **taken: Any) -> None:
    """Take a picture for the documentation, where it was asked for."""
    if os.environ.get("UPDATE_GOLDEN"):
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png", **taken)


def elsewhere(page: Page, address: str, content: str) -> None:
    """Let there be a page of another site."""
    page.route(address, lambda route: route.fulfill(body=content, content_type="text/html"))


def label_of(store: Store) -> tuple[str, str, str]:
    with store.reading() as connection:
        found = kept_run(connection, FALSE_ALARM)
    assert found is not None
    return found.run.label, found.note, found.author


def test_from_the_overview_to_the_failing_expectation_and_a_label(
    visit: Visit, store: Store
) -> None:
    page = visit.page
    page.goto("./")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    log_in(page)
    expect(page.get_by_role("heading", name="All 3 open")).to_be_visible()
    production = page.get_by_role("row", name="production").first
    expect(production).to_contain_text("95.8%")
    expect(production).to_contain_text("5 to label")
    picture(page, "overview")

    alarms = page.get_by_role("region", name="Alarms to label")
    alarms.get_by_role("link", name=FALSE_ALARM).click()
    expect(page.get_by_role("heading", name="ROLLBACK")).to_be_visible()
    failure = page.get_by_role("article").filter(has_text=CHECK)
    expect(failure).to_contain_text("status is 200")
    expect(failure).to_contain_text("too many connections for role")
    picture(page, "run")

    page.get_by_label("Note, why").fill("the smoke test's own account was locked")
    page.get_by_role("button", name="False alarm").click()
    expect(page.get_by_text("Labelled False alarm by Ada")).to_be_visible()
    assert label_of(store) == ("false-alarm", "the smoke test's own account was locked", "Ada")

    page.get_by_role("link", name="production").click()
    expect(page.get_by_role("heading", name="production")).to_be_visible()
    measure = page.get_by_role("definition").filter(has_text="labelled alarm")
    expect(measure).to_contain_text("100%(20.7% to 100%) of 1 labelled alarm")
    picture(page, "environment", full_page=True, clip=_UPPER_PART)
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("row", name="production").first).to_contain_text("4 to label")

    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_the_keyboard_is_enough(visit: Visit, store: Store) -> None:
    page = visit.page
    page.goto("./")
    visit.tab_to("Your name")
    page.keyboard.type("Grace")
    page.keyboard.press("Tab")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="All 3 open")).to_be_visible()
    visit.tab_to("Skip to the content")
    page.keyboard.press("Enter")
    visit.tab_to(FALSE_ALARM)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="ROLLBACK")).to_be_visible()
    visit.tab_to("Note, why")
    page.keyboard.type("by hand")
    visit.tab_to("False alarm")
    page.keyboard.press("Space")
    expect(page.get_by_text("Labelled False alarm by Grace")).to_be_visible()
    assert label_of(store) == ("false-alarm", "by hand", "Grace")


def found_by_axe(visit: Visit, pages: dict[str, str]) -> dict[str, list[str]]:
    """What is wrong with some pages; in the dark only contrasts are looked at once more."""
    page, found = visit.page, {}
    page.goto("login")
    log_in(page)
    for name, there in pages.items():
        page.goto(there)
        for each in page.get_by_text("The same as a table").all():
            each.click()
        page.emulate_media(color_scheme="light")
        found[name] = visit.violations()
        page.emulate_media(color_scheme="dark")
        found[f"{name}, dark"] = visit.violations("color-contrast")
        assert page.evaluate(_OVERFLOWS) is False, f"{name} is wider than its window"
    return {name: each for name, each in found.items() if each}


def test_axe_finds_nothing(visit: Visit) -> None:
    assert found_by_axe(visit, PAGES) == {}
    visit.flaws.clear()  # the console tells of the one that is not there
    visit.page.emulate_media(color_scheme="dark")
    visit.page.goto(PAGES["environment"])
    picture(visit.page, "dark")


@pytest.mark.long
def test_axe_finds_nothing_on_a_phone(browser: Browser, address: str) -> None:
    for visit in visiting(browser, address, **PHONE):
        some = {name: PAGES[name] for name in ("overview", "environment", "alarm")}
        assert found_by_axe(visit, some) == {}
        visit.page.emulate_media(color_scheme="light")
        picture(visit.page, "phone")


_OVERFLOWS = "() => document.documentElement.scrollWidth > innerWidth + 1"


def test_axe_would_find_something(visit: Visit) -> None:
    page = visit.page
    page.goto("login")
    page.evaluate("() => document.querySelector('label').replaceWith('Your name')")
    page.evaluate("() => document.documentElement.removeAttribute('lang')")
    found = "\n".join(visit.violations())
    assert "html-has-lang (serious)" in found


def test_a_link_on_another_site_leads_in(visit: Visit, address: str) -> None:
    """A chat names a run; who is logged in sees it, although the cookie is not sent at first."""
    page = visit.page
    page.goto("login")
    log_in(page)
    expect(page.get_by_role("heading", name="All 3 open")).to_be_visible()
    there = f"<a href='{address}run?id={FALSE_ALARM}'>look</a>"
    page.route(
        "http://chat.test/", lambda route: route.fulfill(body=there, content_type="text/html")
    )
    page.goto("http://chat.test/")
    page.get_by_role("link", name="look").click()
    expect(page.get_by_role("heading", name="ROLLBACK")).to_be_visible()
    visit.asked.discard("http://chat.test")


def test_another_site_can_neither_label_nor_show_the_pages_in_a_frame(
    visit: Visit, address: str, store: Store
) -> None:
    page = visit.page
    page.goto(f"login?next=run?id={FALSE_ALARM}")
    log_in(page)
    token = page.locator("main input[name=form]").get_attribute("value")
    evil = f"""<form method=post action="{address}label?run={FALSE_ALARM}">
      <input name=form value="{token}"><button name=label value=false-alarm>Win</button></form>
      <iframe src="{address}"></iframe>"""
    elsewhere(page, "http://evil.test/", evil)
    page.goto("http://evil.test/")
    expect(page.locator("iframe")).to_be_visible()
    assert page.frames[1].url.startswith("chrome-error:")
    page.get_by_role("button", name="Win").click()
    expect(page.get_by_text("This came from a page of another site")).to_be_visible()
    assert label_of(store) == ("", "", "")
    visit.asked.discard("http://evil.test")
    visit.flaws.clear()  # the browser tells of what it refused


def test_a_plain_address_of_a_network_is_good_enough(
    browser: Browser, address: str, store: Store
) -> None:
    """There browsers say nothing of the site but the origin of a form."""
    network = re.sub(r"127\.0\.0\.1", "gate.test", address)
    for visit in visiting(browser, network):
        page = visit.page
        page.goto(f"login?next=run?id={FALSE_ALARM}")
        log_in(page)
        page.get_by_role("button", name="True alarm").click()
        expect(page.get_by_text("Labelled True alarm by Ada")).to_be_visible()
    assert label_of(store) == ("true-alarm", "", "Ada")


@pytest.mark.long
def test_it_reads_on_paper(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    page.goto(f"login?next=run?id={FALSE_ALARM}")
    log_in(page)
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", name="ROLLBACK")).to_be_visible()
    for hidden in page.get_by_role("button").all():
        expect(hidden).to_be_hidden()
    expect(page.get_by_text("too many connections for role").last).to_be_visible()
