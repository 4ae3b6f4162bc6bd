"""A real Chromium, and what is looked at in each of its pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from tests.system.command import ENDED_WITHIN_S

CHROMIUM = shutil.which("chromium")
# It fetches nothing by itself; one name leads to this machine, as names of a network do.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP gate.test 127.0.0.1",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start one, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One person at a browser of their own; what went wrong on the way is kept."""

    def __init__(self, browser: Browser, address: str, **looks: Any) -> None:
        self.context: BrowserContext = browser.new_context(base_url=address, **looks)
        self.context.set_default_timeout(ENDED_WITHIN_S * 1000)
        self.page: Page = self.context.new_page()
        self.flaws: list[str] = []
        self.asked: set[str] = set()
        self.page.on("console", lambda told: self._note(told.type, told.text))
        self.page.on("pageerror", lambda error: self.flaws.append(str(error)))
        self.page.on("request", self._ask)

    def _note(self, kind: str, words: str) -> None:
        if kind in ("error", "warning"):
            self.flaws.append(words)

    def _ask(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.asked.add("/".join(request.url.split("/", 3)[:3]))

    def violations(self, *rules: str) -> list[str]:
        """What axe-core finds wrong with the page, by all of its rules or some."""
        options: dict[str, Any] = {"resultTypes": ["violations"]}
        if rules:
            options["runOnly"] = {"type": "rule", "values": list(rules)}
        found = Axe().run(self.page, options=options).response["violations"]
        return [
            f"{each['id']} ({each['impact']}): {node['html'][:200]}"
            for each in found
            for node in each["nodes"][:3]
        ]

    def tab_to(self, words: str) -> None:
        """Press Tab until what has these words, or this label, has the focus."""
        for _ in range(400):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(_FOCUSED) == words:
                assert self.page.evaluate(_OUTLINE) != "none", "one sees where one is"
                return
        raise AssertionError(f"Tab never came to {words!r}")

    def close(self) -> None:
        """Leave; nothing went wrong, and nobody else was asked."""
        self.context.close()


_FOCUSED = """() => {
  const at = document.activeElement;
  return at.ariaLabel || (at.labels && at.labels[0]?.innerText) || at.innerText || "";
}"""
_OUTLINE = "() => getComputedStyle(document.activeElement).outlineStyle"
