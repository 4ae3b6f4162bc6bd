"""What a target could send to break a report, or the one who reads it."""

from __future__ import annotations

from hypothesis import strategies as st

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
