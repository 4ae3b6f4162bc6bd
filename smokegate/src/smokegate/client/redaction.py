"""Keeps secrets out of whatever is stored or shown.

A secret is what was sent as one (a password, a token, a header of authentication) or came under
a name that says so. It is replaced wherever it appears: as it is, in base64, URL-encoded, and as
JSON would escape it.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, quote_plus

from smokegate.settings import SHORTEST_SECRET, is_secret_name

MARK = "[redacted]"
SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"}
)
_URL_SAFE = str.maketrans("+/", "-_")


class Redactor:
    """Collects the secrets of a run and takes them out of text."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        """Learn a secret; from now on it is taken out in all its forms."""
        if len(secret) >= SHORTEST_SECRET and secret not in self._secrets:
            self._secrets.add(secret)
            self._pattern = None

    def learn(self, document: Any, *, depth: int = 20) -> None:
        """Learn what a JSON document holds under the names of secrets."""
        if depth == 0:
            return
        if isinstance(document, dict):
            for name, value in document.items():
                if isinstance(value, str) and is_secret_name(name):
                    self.add(value)
                else:
                    self.learn(value, depth=depth - 1)
        elif isinstance(document, list):
            for value in document:
                self.learn(value, depth=depth - 1)

    def text(self, text: str) -> str:
        """Return the text without any secret known so far."""
        if self._pattern is None:
            forms = {form for secret in self._secrets for form in _forms(secret)}
            ordered = sorted(forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ordered)) or r"(?!)")
        return self._pattern.sub(MARK, text)

    def headers(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return headers with those of authentication blacked out and the rest redacted."""
        return [
            (name, MARK if is_secret_header(name) else self.text(value)) for name, value in headers
        ]

    def document(self, value: Any) -> Any:
        """Return plain data with every string in it redacted."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(name): self.document(part) for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.document(part) for part in value]
        return value


def is_secret_header(name: str) -> bool:
    """Whether a header of this name is never shown."""
    return name.lower() in SECRET_HEADERS or is_secret_name(name.replace("-", "_"))


def _forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {secret, *_base64_forms(raw)}
    forms |= {quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")}
    forms |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return forms


def _base64_forms(raw: bytes) -> set[str]:
    """Give what stands in base64 for these bytes wherever they begin in the encoded text.

    Three bytes become four characters, so the same bytes look different at each of the three
    offsets; the characters that also depend on a neighbour are left out.
    """
    forms = set()
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        last = len(encoded) - (1 if (offset + len(raw)) % 3 else 0)
        forms |= {encoded[first:last], encoded[first:last].translate(_URL_SAFE)}
    return {form for form in forms if len(form) >= SHORTEST_SECRET}
