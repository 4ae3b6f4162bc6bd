"""The words for every way not to be answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import smokegate.client
from smokegate.client.trouble import UNDECIDED, WORDS
from smokegate.client.whose import describe


@pytest.mark.parametrize("kind", WORDS)
def test_every_kind_has_its_words(kind: str) -> None:
    trouble = describe(kind, "the detail")
    assert trouble.kind == kind
    assert trouble.summary.endswith("(the detail)")
    assert trouble.causes
    assert trouble.next_step
    assert not trouble.summary.endswith(".")


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("refused", "connection refused"),
        ("silent", "timeout"),
        ("connect_timeout", "timeout"),
        ("slow_body", "timeout"),
        ("certificate_expired", "certificate error"),
        ("certificate_wrong_host", "certificate error"),
        ("certificate_untrusted", "certificate error"),
    ],
)
def test_the_troubles_of_the_field_have_their_own_words(kind: str, word: str) -> None:
    assert describe(kind, "").summary.startswith(word)


def test_only_a_connect_timeout_is_undecided() -> None:
    assert [kind for kind in WORDS if WORDS[kind].side is UNDECIDED] == ["connect_timeout"]


def test_every_kind_that_the_transport_knows_has_words() -> None:
    folder = Path(smokegate.client.__file__).parent
    sources = "".join(path.read_text() for path in folder.glob("*.py"))
    named = set(re.findall(r'kind="(\w+)"', sources))
    for module in ("curl_failures.py", "system_errors.py"):
        named |= set(re.findall(r'return "(\w+)"', (folder / module).read_text()))
    assert named
    assert named <= WORDS.keys()
