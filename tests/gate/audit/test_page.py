from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files

import msgspec
import pytest
from hypothesis import given
from smokegate.audit.page import page
from smokegate.audit.report import Audit

from tests.gate.audit import audits
from tests.gate.audit.test_terminal import poisoned
from tests.gate.golden import Golden
from tests.gate.reports.hostile import TRICKS, texts

VOID = frozenset({"meta", "link"})
NASTY = "</script><img src=x onerror=alert(1)><!-- \x1b[31m\u202e\u2028\ud800 {{data}} &amp;"


class Parsed(HTMLParser):
    """The elements of a page, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, "an element was not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)


def data_of(text: str) -> str:
    found = re.findall(r'<script type="application/json" id="audit">(.*?)</script>', text)
    assert len(found) == 1
    return str(found[0])


def test_the_skeleton_reads_as_it_did(golden: Golden) -> None:
    text = page(audits.audit())
    text = text.replace(data_of(text), "")
    text = re.sub(r"(<style>|<script>).*?(</style>|</script>)", r"\1\2", text, flags=re.DOTALL)
    golden("page.html", re.sub(r"'sha256-[^']+'", "'sha256-'", text))


def test_the_data_is_the_audit() -> None:
    for audit in (audits.audit(), audits.empty(), audits.audit(target="https://shöp.example/?a&b")):
        assert msgspec.convert(json.loads(data_of(page(audit))), Audit) == audit


@pytest.mark.parametrize("text", [NASTY, *TRICKS])
def test_text_from_outside_stays_text(text: str) -> None:
    plain, nasty = Parsed(page(audits.audit())), Parsed(page(poisoned(audits.audit(), text)))
    assert nasty.elements == plain.elements
    assert nasty.texts["style"] == plain.texts["style"]
    assert nasty.texts["script"][-1] == plain.texts["script"][-1]


@given(texts)
def test_the_data_is_in_ascii_and_holds_no_markup(text: str) -> None:
    audit = poisoned(audits.audit(), text)
    data = data_of(page(audit))
    assert data.isascii()
    assert data.isprintable()
    assert not set("<>&") & set(data)
    assert json.loads(data)["target"] == text


def test_it_loads_nothing() -> None:
    text = page(audits.audit(target="shop"))
    assert not re.search(r"(https?:)?//[a-z0-9]", re.sub(r"(?m)^\s*//.*|\s// .*$", "", text))
    assert "url(" not in text
    assert "@import" not in text
    for tag, attributes in Parsed(text).elements:
        assert "src" not in attributes
        href = attributes.get("href") or "#"
        assert href.startswith("#") or (tag, href) == ("link", "data:,")


def test_its_policy_lets_its_own_script_and_style_run_and_nothing_else() -> None:
    text = page(audits.audit())
    parsed = Parsed(text)
    policy = next(a["content"] for _, a in parsed.elements if "http-equiv" in a) or ""
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        own = text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert not any(name.startswith("on") for _, each in parsed.elements for name in each)


def test_its_script_makes_elements_from_text_alone() -> None:
    folder = files("smokegate.audit") / "html"
    script = "".join(each.read_text() for each in folder.iterdir() if each.name.endswith(".js"))
    forbidden = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
    assert not [each for each in forbidden if each in script]
    assert "<!--" not in script
    assert "</" not in script
    assert script.count("createElement(") == 1
