"""What a run against a hostile target left behind, judged: whole, harmless, without a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
from smokegate.results import from_json, json_schema, to_json

from tests.gate.audit.test_page import Parsed
from tests.gate.reports.hostile import is_command, is_harmless
from tests.gate.reports.pages import active_parts
from tests.gate.reports.screen import Screen
from tests.system.hostile.secrets import leaks_in

_ANNOTATION = re.compile(r"::(?:notice|warning|error) title=[^:,]*::[^\n]*")
_OUTPUT = re.compile(r"([a-z-]+)<<(smokegate-[0-9a-f]{32})\n(.*)\n\2\n")
_OUTPUTS = ["verdict", "reason", "partial", "exit-code", "run-id"]


def problems_of(folder: Path) -> list[str]:
    """Judge every file that a run left: a line for each thing that is wrong, each said once."""
    problems: dict[str, None] = {}
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        judge = _JUDGES.get(file.name) or _JUDGES[file.suffix]
        problems |= dict.fromkeys(f"{file.name} {problem}" for problem in judge(text))
        problems |= dict.fromkeys(f"{file.name} holds the secret {x!r}" for x in leaks_in(text))
    return list(problems)


def _run_json(text: str) -> Iterator[str]:
    document = json.loads(text)
    for error in _validator().iter_errors(document):
        yield f"does not fit its schema: {error.json_path}: {error.message[:200]}"
        return
    if to_json(from_json(text.encode())).decode() != text:
        yield "is not read back equal"
    yield from _plain(text)
    for leak in leaks_in("\0".join(_strings(document))):
        yield f"holds the secret {leak!r}, escaped"


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def _plain(text: str) -> Iterator[str]:
    if not is_harmless(text):
        yield f"has control characters: {sorted({c for c in text if not c.isprintable()})!r}"
    for line in text.split("\n"):
        if is_command(line):
            yield f"has a command for a CI system: {line[:200]!r}"


def _screen(text: str) -> Iterator[str]:
    screen = Screen()
    screen.write(text)  # which knows no escape sequence but ours
    yield from _plain("\n".join(screen.lines))


def _junit(text: str) -> Iterator[str]:
    root = ElementTree.fromstring(text)
    for part in root.iter():
        yield from _plain(part.text or "")
        for words in [part.text or "", *part.attrib.values()]:
            for leak in leaks_in(words):
                yield f"holds the secret {leak!r}, escaped"
    yield from _plain(text)


def _page(text: str) -> Iterator[str]:
    """A page is plain, runs and loads nothing, and hides no secret behind what it escapes."""
    yield from _plain(text)
    page = Parsed(text)
    for part in active_parts(page):
        yield f"has an element that acts: {part}"
    for words in (words for told in page.texts.values() for words in told):
        for leak in leaks_in(words):
            yield f"holds the secret {leak!r}, escaped"


def _annotations(text: str) -> Iterator[str]:
    if not is_harmless(text):
        yield "have control characters"
    for line in text.splitlines():
        if not _ANNOTATION.fullmatch(line):
            yield f"have a line that is none: {line[:200]!r}"


def _outputs(text: str) -> Iterator[str]:
    if [match[1] for match in _OUTPUT.finditer(text)] != _OUTPUTS or _OUTPUT.sub("", text):
        yield f"are not those that they should be: {text[:200]!r}"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


_JUDGES: dict[str, Callable[[str], Iterator[str]]] = {
    ".json": _run_json,
    ".xml": _junit,
    ".txt": _plain,
    ".html": _page,
    "screen": _screen,
    "annotations": _annotations,
    "outputs": _outputs,
    "step_summary": _plain,
}
