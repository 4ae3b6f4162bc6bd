"""The ways in which a text may spell a secret: plain, in base64, or with some of it escaped.

URLs, JSON, HTML and Python escape each character in a way of its own, some twice. Both a secret
and the text that is searched may come from a target that means harm, so no pattern may take more
than linear time: what repeats is bounded, or cannot be divided in two ways.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache

_NEVER_ESCAPED = re.compile(r"[A-Za-z0-9_.-]")
_ESCAPED = re.compile(r"[^A-Za-z0-9_.-]+")
_RUNS = re.compile(r"\\+|[^\\]", re.DOTALL)
_ESCAPED_BY_NAME = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_ESCAPED_BY_LETTER = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
# Escaping escapes once more doubles the backslashes: this is four times.
_MOST_BACKSLASHES = 16
_A_BACKSLASH = r"(?i:\\(?:x5c|u005c)?|%(?:25){0,4}5c|&#(?:92|x0{0,6}5c);)"
_FEWEST_ALONE = 6
_TELLING_CHARS = 8
_ASCII_END = 0x80


class Spelling:
    """A form of a secret; its core stands in all of its spellings, and may be all there is."""

    def __init__(self, form: str) -> None:
        self.form = form
        self._core = core_of(form)
        self._pattern: re.Pattern[str] | None = None  # made when the core is seen

    def replaced(self, text: str, mark: str) -> str:
        """Return the text with a mark in place of the secret."""
        if self._core not in text:
            return text
        if self._core == self.form:
            return text.replace(self.form, mark)
        self._pattern = self._pattern or re.compile(_pattern(self.form))
        return self._pattern.sub(lambda _: mark, text)


def spellings(secret: str) -> list[Spelling]:
    """Give the forms in which a secret is to be searched for, always in the same order."""
    forms = [secret, *_base64_forms(secret.encode("utf-8", "surrogatepass"))]
    return [Spelling(form) for form in dict.fromkeys(forms)]


def effort_for(secret: str) -> int:
    """What it may cost to look for a secret; most where nothing in it is always written alike."""
    escapes = sum(map(len, _ESCAPED.findall(secret)))
    return 20 + escapes * (1 if len(core_of(secret)) >= _TELLING_CHARS else 20)


def core_of(form: str) -> str:
    """The longest part of a form that nothing ever escapes."""
    return max(_ESCAPED.split(form), key=len)


def _pattern(form: str) -> str:
    """Put the pattern together; a run of backslashes takes those that escape what follows it."""
    runs = _RUNS.findall(form)
    if len(runs) == 1 and form.startswith("\\"):
        return f"{_A_BACKSLASH}{{{_FEWEST_ALONE},{_MOST_BACKSLASHES}}}"
    parts, after_backslash = [], False
    for number, run in enumerate(runs):
        if run.startswith("\\"):
            most = "" if number else _MOST_BACKSLASHES
            parts.append(f"{_A_BACKSLASH}{{1,{most}}}")
        else:
            parts.append(_character(run, after_backslash))
        after_backslash = run.startswith("\\")
    return "".join(parts)


@lru_cache(maxsize=1_000)
def _character(character: str, after_backslash: bool) -> str:
    """Give the pattern of one character in every way in which it may have been written."""
    if _NEVER_ESCAPED.match(character):
        return re.escape(character)
    some = r"\\" if after_backslash else rf"\\{{1,{_MOST_BACKSLASHES}}}+"
    perhaps = "" if after_backslash else rf"\\{{0,{_MOST_BACKSLASHES}}}+"
    ways = [_by_code(character, some)]
    ways += [f"&{name};" for mark, name in _ESCAPED_BY_NAME.items() if mark == character]
    ways += [f"{some}{letter}" for mark, letter in _ESCAPED_BY_LETTER.items() if mark == character]
    ways += [r"\+"] if character == " " else []
    # URL-safe base64 writes two characters differently.
    ways += ["-"] if character == "+" else ["_"] if character == "/" else []
    return f"(?:{'|'.join([*ways, perhaps + re.escape(character)])})"


def _by_code(character: str, some: str) -> str:
    code, encoded = ord(character), character.encode("utf-8", "surrogatepass")
    if code < _ASCII_END:
        before = rf"%(?:25){{0,4}}|{some}(?:x|u00|u000000)|&#x0{{0,6}}"
        return f"(?i:(?:{before}){code:02x};?|&#0{{0,6}}{code};)"
    percent = "".join(f"%(?:25){{0,4}}{byte:02x}" for byte in encoded)
    as_bytes = "".join(f"{some}x{byte:02x}" for byte in encoded)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    unicode = "".join(f"{some}u{units[at : at + 4]}" for at in range(0, len(units), 4))
    python = f"{some}x{code:02x}|{some}u{code:08x}"
    numbered = rf"&#(?:{code}|x0{{0,6}}{code:x});"
    return f"(?i:{percent}|{as_bytes}|{unicode}|{python}|{numbered})"


def _base64_forms(raw: bytes) -> list[str]:
    """Give what stands in base64 for these bytes wherever they begin in the encoded text.

    Three bytes become four characters, so the same bytes look different at each of the three
    offsets; the characters that also depend on a neighbour are left out.
    """
    forms = []
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        last = len(encoded) - (1 if (offset + len(raw)) % 3 else 0)
        forms.append(encoded[first:last])
    return forms
