"""The words for every way not to be answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import smokegate.client
from smokegate.client.trouble import WORDS, describe
from smokegate.results import Side


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
    undecided = [kind for kind in WORDS if describe(kind, "").side is Side.UNDECIDED]
    assert undecided == ["connect_timeout"]
    for kind, words in WORDS.items():
        side = describe(kind, "", was_let_in=True).side
        assert side is (Side.TARGET if kind == "connect_timeout" else words.side)


def test_what_rolling_back_cannot_cure() -> None:
    incurable = {kind for kind in WORDS if describe(kind, "").incurable}
    assert incurable == {"certificate_expired", "certificate_not_yet_valid", "name_missing"}


def test_every_kind_that_the_transport_knows_has_words() -> None:
    folder = Path(smokegate.client.__file__).parent
    sources = "".join(path.read_text() for path in folder.glob("*.py"))
    named = set(re.findall(r'kind="(\w+)"', sources))
    named |= set(re.findall(r'return "(\w+)"', (folder / "curl_failures.py").read_text()))
    assert named
    assert named <= WORDS.keys()
