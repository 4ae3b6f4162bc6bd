"""Names and titles from what a description calls things: valid, short, and each only once."""

from __future__ import annotations

import keyword
import re
import unicodedata

_LONGEST_NAME = 50
_LONGEST_TITLE = 70


def snake(words: str) -> str:
    """Words as a Python name in lower case; empty if no letter of ASCII is in them."""
    plain = unicodedata.normalize("NFKD", words[:500]).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    name = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    return name[:_LONGEST_NAME].rstrip("_")


def variable(words: str, otherwise: str = "value") -> str:
    """Words as the name of a variable, never a keyword and never with a digit first."""
    name = snake(words) or otherwise
    if name[0].isdigit():
        name = f"{otherwise}_{name}"
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name


def class_name(words: str) -> str:
    """Words as the name of a class."""
    name = "".join(part[0].upper() + part[1:] for part in snake(words).split("_") if part)
    return name if name[:1].isalpha() else f"Reply{name}"


def title(words: str, otherwise: str) -> str:
    """Words as the first line of a docstring: one sentence without quotes and backslashes."""
    printable = "".join(each if each.isprintable() else " " for each in words[:1_000])
    line = " ".join(printable.replace("\\", " ").replace('"', "'").split())
    if len(line) > _LONGEST_TITLE:
        line = line[:_LONGEST_TITLE].rpartition(" ")[0].rstrip(".,;:") or line[:_LONGEST_TITLE]
    line = line or otherwise
    return line if line[-1] in ".?!" else f"{line}."


def singular(noun: str) -> str:
    """One of them, as far as the spelling tells."""
    if noun.endswith("ies") and len(noun) > len("ties"):
        return f"{noun.removesuffix('ies')}y"
    if re.search(r"(?:s|x|z|ch|sh)es$", noun):
        return noun.removesuffix("es")
    return noun.removesuffix("s") if not noun.endswith(("ss", "us")) else noun


class Names:
    """Gives each name once."""

    def __init__(self, taken: set[str] | frozenset[str] = frozenset()) -> None:
        self._taken = set(taken)

    def take(self, name: str) -> str:
        """The name, or with the first number behind it that is free."""
        found, number = name, 2
        while found in self._taken:
            found, number = f"{name}_{number}", number + 1
        self._taken.add(found)
        return found
