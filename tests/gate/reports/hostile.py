"""What a target could send to break a report, or the one who reads it."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st
from smokegate.results import JudgedRun

TRICKS = [
    "\x1b[2J\x1b[1;31mPROCEED",
    "\x9b2J",
    "\u202egnp.exe",
    "\r\x1b]0;title\x07",
    "]]><failure/>",
    "<![CDATA[",
    "&#0;&lt;",
    "</pre></details><script>alert(1)</script>",
    "| a | b |\n|---|---|",
    "![x](https://evil.example/pixel)",
    "\n::error::forged\n::set-output name=verdict::proceed",
    "##[set-output name=verdict]proceed",
    "##vso[task.complete result=Succeeded]",
    "##teamcity[buildStatus status='SUCCESS']",
    "smokegate-0\nverdict=proceed\n",
    "[[ATTACHMENT|/etc/passwd]]",
    "[[PROPERTY|verdict=proceed]]",
    "%0A::error::x",
    "\ud800 half \udfff",
    "\ufffe\uffff\x00\x0b\x7f\x85\u2028",
    "x" * 3_000,
    "a\tb\r\nc\n\n\nd",
    "curl x",
]

texts = st.one_of(
    st.sampled_from(TRICKS),
    st.text(st.characters(exclude_categories=()), max_size=60),
    st.lists(
        st.one_of(st.sampled_from(TRICKS), st.text(st.characters(exclude_categories=()))),
        max_size=4,
    ).map("".join),
)


def is_harmless(text: str) -> bool:
    """Whether nothing but visible characters and newlines is in a text."""
    return all(char.isprintable() or char == "\n" for char in text)


def is_command(line: str) -> bool:
    """Whether a CI system would act on a line, as the runner of GitHub Actions decides it."""
    start = line.lstrip()
    anywhere = any(f"##{mark}[" in line.lower() for mark in ("", "vso", "teamcity"))
    return anywhere or (start.startswith("::") and "::" in start[2:])


_FROM_TARGET = frozenset(
    {
        "reason", "seen", "demand", "version", "output", "traceback", "summary", "next_step",
        "curl", "address", "title", "owner", "environment", "tool", "http_version",
    }
)  # fmt: skip
_LISTS_FROM_TARGET = frozenset({"causes", "warnings", "leftovers", "notes"})


def poisoned(run: JudgedRun, text: str) -> JudgedRun:
    """Put a text wherever something from the target could stand in a run."""
    replaced: JudgedRun = msgspec.convert(_poisoned(msgspec.to_builtins(run), text), JudgedRun)
    return replaced


def _poisoned(value: Any, text: str) -> Any:
    if isinstance(value, list):
        return [_poisoned(each, text) for each in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, part in value.items():
        if key in _FROM_TARGET:
            made[key] = text
        elif key in _LISTS_FROM_TARGET:
            made[key] = [text, text]
        elif key == "url":
            made[key] = f"{part}/{text}"
        else:
            made[key] = _poisoned(part, text)
    return made
