"""Keeps secrets out of whatever is stored or shown.

A secret is what was sent as one (a password, a token, a header of authentication) or came under
a name that says so. It is replaced wherever it appears: as it is, in base64, and however URLs,
JSON, HTML or Python would escape it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from smokegate.settings import SHORTEST_SECRET, is_secret_name

MARK = "[redacted]"
SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)
# What code compares or looks up, and no target can put a secret into.
_KEPT_FIELDS = frozenset(
    {"id", "suite", "name", "needed_by", "blocked_by", "method", "kind", "run_id", "tool"}
    | {"started_at", "finished_at", "http_version"}
)
_NEVER_ESCAPED = re.compile(r"[A-Za-z0-9_.-]")
_ESCAPED_BY_NAME = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_ESCAPED_BY_LETTER = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_LONGEST_WORD = 20

S = TypeVar("S", bound=msgspec.Struct)


class Redactor:
    """Collects the secrets of a run and takes them out of text.

    Most secrets are tokens without a character that anything escapes: for those plain search is
    far cheaper than a pattern.
    """

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._literals: set[str] = set()
        self._ordered: list[str] = []
        self._patterns: list[re.Pattern[str]] = []

    def add(self, secret: str) -> None:
        """Learn a secret; from now on it is taken out in all its forms."""
        if len(secret) < SHORTEST_SECRET or secret in self._secrets:
            return
        self._secrets.add(secret)
        for form in (secret, *_base64_forms(secret.encode("utf-8", "surrogatepass"))):
            if all(map(_NEVER_ESCAPED.match, form)):
                self._literals.add(form)
            else:
                self._patterns.append(re.compile("".join(map(_escaped, form))))
        # The longest first: one secret may be a part of another.
        self._ordered = sorted(self._literals, key=len, reverse=True)
        self._patterns.sort(key=lambda pattern: len(pattern.pattern), reverse=True)

    def learn(self, document: Any, *, sent: bool = False) -> None:
        """Learn what a JSON document holds under the names of secrets.

        What was received may say something about a secret instead: "password": "is required".
        """
        for name, value in _named_strings(document):
            if is_secret_name(name) and not _is_word(value) and (sent or " " not in value):
                self.add(value)

    def text(self, text: str) -> str:
        """Return the text without any secret known so far; what UTF-8 cannot carry is escaped."""
        for pattern in self._patterns:
            text = pattern.sub(MARK, text)
        for literal in self._ordered:
            if literal in text:
                text = text.replace(literal, MARK)
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()

    def headers(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return headers with those of authentication blacked out and the rest redacted."""
        return [
            (self.text(name), MARK if is_secret_header(name) else self.text(value))
            for name, value in headers
        ]

    def clean(self, record: S) -> S:
        """Return a record with every text in it redacted; ids, kinds and keys stay as they are."""
        try:
            text = msgspec.json.encode(record).decode()
        except UnicodeEncodeError:
            text = ""  # it holds what UTF-8 cannot carry
        if text and text == self.text(text):
            return record
        cleaned: S = self._clean(record)
        return cleaned

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, msgspec.Struct):
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


def _is_word(value: str) -> bool:
    return len(value) <= _LONGEST_WORD and value.isalpha() and (value.islower() or value.istitle())


def _escaped(character: str) -> str:
    """Give the pattern of one character in every way in which it may have been written."""
    if _NEVER_ESCAPED.match(character):
        return re.escape(character)
    code, encoded = ord(character), character.encode("utf-8", "surrogatepass")
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in encoded)
    as_bytes = "".join(rf"\\+x{byte:02x}" for byte in encoded)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    unicode = "".join(rf"\\+u{units[at : at + 4]}" for at in range(0, len(units), 4))
    python = rf"\\+x{code:02x}|\\+u{code:08x}"
    numbered = rf"&#(?:{code}|x0*{code:x});"
    ways = [f"(?i:{percent}|{as_bytes}|{unicode}|{python}|{numbered})"]
    ways += [f"&{name};" for mark, name in _ESCAPED_BY_NAME.items() if mark == character]
    ways += [rf"\\+{letter}" for mark, letter in _ESCAPED_BY_LETTER.items() if mark == character]
    ways += [r"\+"] if character == " " else []
    # URL-safe base64 writes two characters differently.
    ways += ["-"] if character == "+" else ["_"] if character == "/" else []
    plain = r"\\*" + re.escape(character)
    return f"(?:{'|'.join([*ways, plain])})"


def _base64_forms(raw: bytes) -> set[str]:
    """Give what stands in base64 for these bytes wherever they begin in the encoded text.

    Three bytes become four characters, so the same bytes look different at each of the three
    offsets; the characters that also depend on a neighbour are left out.
    """
    forms = set()
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        last = len(encoded) - (1 if (offset + len(raw)) % 3 else 0)
        forms.add(encoded[first:last])
    return forms
