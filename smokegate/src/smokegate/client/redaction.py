"""Keeps secrets out of whatever is stored or shown.

A secret is what was sent as one (a password, a token, a header of authentication) or came under
a name that says so. It is replaced wherever it appears: as it is, in base64, and however URLs,
JSON, HTML or Python would escape it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from smokegate.client.spellings import Spelling, effort_for, spellings
from smokegate.results import Exchange
from smokegate.secret_names import SHORTEST_SECRET, WORDS_OF_SECRETS, is_secret_name

MARK = "[redacted]"
LONGEST_SECRET = 4_096
SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)
# What code compares or looks up, and no target can put a secret into.
_KEPT_FIELDS = frozenset(
    {"id", "suite", "name", "needed_by", "blocked_by", "method", "kind", "run_id", "tool"}
    | {"started_at", "finished_at", "http_version"}
)
_LONGEST_WORD = 20
# What looking for secrets may cost; a target that hands out more is not searched for each.
_MOST_EFFORT = 8_000
_LOOKED_AT_BYTES = 1_000_000
_SHORT_CHARS, _MOST_SEEN = 100, 10_000
_PUNCTUATION = "()[]{}<>,.;:!?'\""
_COULD_BE_SECRET = re.compile(rf"\S{{{SHORTEST_SECRET},}}")
# "token": "value", token=value and the like, in whatever is no JSON, or is broken JSON.
_NAMED = re.compile(
    rf"((?:{WORDS_OF_SECRETS})[a-z0-9_-]{{0,40}})".encode()
    + rb"\\{0,4}[\"']?\s{0,4}[:=]\s{0,4}\\{0,4}[\"']?([^\s\"'&,;<>\\]{6,4096})"
)

_IN_URL = re.compile(rb"://[^\s/:@\"'<>]{0,200}:([^\s/@\"'<>]{6,4096})@")

S = TypeVar("S", bound=msgspec.Struct)


class Redactor:
    """Collects the secrets of a run and takes them out of text.

    What may be searched for is bounded, since a target decides how many secrets it hands out.
    """

    def __init__(self) -> None:
        self._secrets: dict[str, bool] = {}  # whether it was sent
        self._spellings: list[Spelling] = []
        self._effort = 0
        self._is_sorted = True
        self._is_flooded = False
        self._seen: dict[str, str] = {}  # short texts, which come again and again

    def add(self, secret: str, *, sent: bool = True) -> None:
        """Learn a secret; from now on it is taken out in all its forms.

        Once there are more than can be searched for, those that were received are forgotten, and
        whatever could be one of them is taken out instead.
        """
        if secret in self._secrets:
            self._secrets[secret] |= sent
            return
        if len(secret) < SHORTEST_SECRET:
            return
        if not self._is_flooded and self._is_too_much(secret):
            self._flood()
        if self._is_flooded and (not sent or self._is_too_much(secret)):
            return
        self._seen.clear()
        self._effort += effort_for(secret)
        self._secrets[secret] = sent
        self._spellings += spellings(secret)
        self._is_sorted = False

    @property
    def secrets(self) -> list[str]:
        """The secrets known so far, the longest first."""
        return sorted(self._secrets, key=len, reverse=True)

    def _is_too_much(self, secret: str) -> bool:
        return len(secret) > LONGEST_SECRET or self._effort + effort_for(secret) > _MOST_EFFORT

    def _flood(self) -> None:
        self._is_flooded = True
        self._seen.clear()
        sent = [secret for secret, was_sent in self._secrets.items() if was_sent]
        self._secrets, self._spellings, self._effort = {}, [], 0
        for secret in sent:
            self.add(secret)

    def learn(self, document: Any, *, sent: bool = False) -> None:
        """Learn what a JSON document holds under the names of secrets.

        What was received may say something about a secret instead: "password": "is required".
        """
        for name, value in _named_strings(document):
            if is_secret_name(name) and (sent or not (_is_word(value) or " " in value)):
                self.add(value, sent=sent)

    def learn_all(self, document: Any) -> None:
        """Learn every text in a document that is a secret as a whole."""
        for _, value in _named_strings(document):
            self.add(value)

    def learn_text(self, text: bytes) -> None:
        """Learn what stands under the names of secrets in a text that may be no whole document.

        Only the first megabyte is looked at.
        """
        lower = text[:_LOOKED_AT_BYTES].lower()  # in which to search is five times as fast
        for match in _NAMED.finditer(lower):
            words = text[match.start(2) : match.end(2)].decode("utf-8", "replace")
            if is_secret_name(match[1].decode()) and not _is_word(words):
                self.add(words, sent=False)
        for match in _IN_URL.finditer(text[:_LOOKED_AT_BYTES]):
            self.add(match[1].decode("utf-8", "replace"), sent=False)

    def text(self, text: str) -> str:
        """Return the text without any secret known so far; what UTF-8 cannot carry is escaped."""
        if len(text) > _SHORT_CHARS:
            return self._without_secrets(text)
        if text not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen[text] = self._without_secrets(text)
        return self._seen[text]

    def _without_secrets(self, text: str) -> str:
        if not self._is_sorted:  # the longest first: one secret may be a part of another
            self._spellings.sort(key=lambda spelling: len(spelling.form), reverse=True)
            self._is_sorted = True
        for spelling in self._spellings:
            text = spelling.replaced(text, MARK)
        if self._is_flooded:
            text = _COULD_BE_SECRET.sub(_unless_a_word, text)
        return text if text.isascii() else _encodable(text)

    def headers(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return headers with those of authentication blacked out and the rest redacted."""
        return [
            (self.text(name), MARK if is_secret_header(name) else self.text(value))
            for name, value in headers
        ]

    def clean(self, record: S) -> S:
        """Return a record with every text in it redacted; ids, kinds and keys stay as they are."""
        cleaned: S = self._clean(record)
        return cleaned

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, msgspec.Struct):
            if isinstance(value, Exchange) and self._finds_nothing(value):
                return value
            return type(value)(
                **{
                    name: part if name in _KEPT_FIELDS else self._clean(part)
                    for name, part in msgspec.structs.asdict(value).items()
                }
            )
        if isinstance(value, dict):
            return {key: self._clean(part) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(self._clean, value))
        return value

    def _finds_nothing(self, exchange: Exchange) -> bool:
        """Look at a whole exchange at once, which is faster than text by text."""
        try:
            text = msgspec.json.encode(exchange).decode()
        except UnicodeEncodeError:
            return False  # it holds what UTF-8 cannot carry
        return text == self.text(text)


def beginning(text: str, most_chars: int, redact: Callable[[str], str], mark: str = "") -> str:
    """Return the beginning of a text without secrets, none of them cut in two.

    The mark is added where something was left out.
    """
    looked_at = text[: most_chars + 2 * LONGEST_SECRET]
    shown = redact(looked_at)
    if len(looked_at) < len(text):
        # A secret may begin here and end beyond: those taken out before it have pulled it in.
        shown = shown[:-LONGEST_SECRET]
    elif len(shown) <= most_chars:
        return shown
    return shown[:most_chars] + mark


def ending(text: str, most_chars: int, redact: Callable[[str], str]) -> str:
    """Return the end of a text without secrets, none of them cut in two."""
    looked_at = text[-most_chars - 2 * LONGEST_SECRET :]
    shown = redact(looked_at)
    return shown[LONGEST_SECRET if len(looked_at) < len(text) else 0 :][-most_chars:]


def is_secret_header(name: str) -> bool:
    """Whether a header of this name is never shown."""
    return name.lower() in SECRET_HEADERS or is_secret_name(name.replace("-", "_"))


def _named_strings(document: Any) -> Iterator[tuple[str, str]]:
    """Give every string in a document with the name that it or its list stands under."""
    waiting = [("", document)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict):
            waiting += [(str(key), part) for key, part in value.items()]
        elif isinstance(value, (list, tuple)):
            waiting += [(name, part) for part in value]


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _is_word(value: str) -> bool:
    return len(value) <= _LONGEST_WORD and value.isalpha() and (value.islower() or value.istitle())


def _unless_a_word(match: re.Match[str]) -> str:
    return match[0] if _is_word(match[0].strip(_PUNCTUATION)) else MARK
