"""A minimal valid instance of a schema, for a request's body; what cannot be made is left out."""

from __future__ import annotations

import re
from typing import Any

from smokegate.scaffold.openapi import Description, listing, mapping
from smokegate.scaffold.python import Raw
from smokegate.scaffold.unfit import UnfitError

_DEEPEST = 12
_MOST_SCHEMAS = 2_000
_MOST_ITEMS = 20
_LONGEST_PATTERN = 200
_LARGEST = 2**53  # below it every JSON parser holds a whole number exactly
_LONGEST_TRIED = 40
_MOST_REPEATS = 6
# What `client.unique("smoke")` gives.
_UNIQUE_SAMPLE = "smoke-0123456789ab"
_UNIQUE = Raw('client.unique("smoke")')
_NAMED_FREELY = re.compile(
    r"(?:^|[_-])(?:name|title|label|slug|username|login|handle)$|^(?:key|code|id)$", re.IGNORECASE
)
_FORMATS: dict[str, Any] = {
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "c21va2U=",
    "email": Raw("client.email()"),
    "idn-email": Raw("client.email()"),
    "password": Raw("client.settings.test_password"),
}
_PASSWORD = re.compile(r"(?:^|[_-])(?:password|passwd|passphrase)$", re.IGNORECASE)
_EMAIL = re.compile(r"(?:^|[_-])e?mail(?:_?address)?$", re.IGNORECASE)


class Instances:
    """Makes instances of a description's schemas."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._left = _MOST_SCHEMAS

    def body(self, media: dict[str, Any]) -> Any:
        """What to send where a body is described so. Raises `UnfitError`."""
        self._left = _MOST_SCHEMAS
        made = self.of(mapping(media.get("schema")))
        example = self._example_of_media(media)
        if isinstance(example, dict) and isinstance(made, dict):
            plain = {name: value for name, value in made.items() if isinstance(value, Raw)}
            return {**example, **plain}
        return made

    def _example_of_media(self, media: dict[str, Any]) -> Any:
        if "example" in media:
            return media["example"]
        first = next(iter(mapping(media.get("examples")).values()), None)
        return self._description.resolved(first).get("value")

    def of(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """An instance of a schema; `name` is the member that it is for."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise UnfitError("its body is too large or refers to itself without end")
        described = self.merged(self._description.resolved(schema))
        if "oneOf" in described or "anyOf" in described:
            return self._first_of(described, name, depth)
        return self._single(described, name, depth)

    def _single(self, described: dict[str, Any], name: str, depth: int) -> Any:
        kind, given = self.kind(described), _given(described)
        if kind == "string" or (not kind and (_PASSWORD.search(name) or _EMAIL.search(name))):
            return self._string(described, name)
        if kind == "object":
            return self._object(described, given, depth)
        if given is not None:
            return given
        if kind == "array":
            return self._array(described, name, depth)
        if kind in ("integer", "number"):
            return _number(described)
        plain = {"boolean": False, "null": None}
        if kind not in plain:
            raise UnfitError(f"its body leaves open what {name or 'it'} is"[:80])
        return plain[kind]

    def given(self, parameter: dict[str, Any], schema: Any) -> Any:
        """The value that a description gives for a parameter; None where it gives none."""
        example = self._example_of_media(parameter)
        if example is not None:
            return example
        return _given(self.merged(self._description.resolved(schema)))

    def kind(self, described: dict[str, Any]) -> str:
        """The type of a schema; of several the first that is not null."""
        kinds = described.get("type")
        if isinstance(kinds, list):
            kinds = next((each for each in kinds if each != "null"), "null")
        if isinstance(kinds, str):
            return kinds
        if "properties" in described or "additionalProperties" in described:
            return "object"
        if "items" in described:
            return "array"
        if any(isinstance(each, str) for each in listing(described.get("enum"))):
            return "string"
        return ""

    def merged(self, described: dict[str, Any], depth: int = 0) -> dict[str, Any]:
        """A schema with the parts of its `allOf` taken in."""
        parts = listing(described.get("allOf"))
        if not parts or depth > _DEEPEST:
            return described
        merged = {name: value for name, value in described.items() if name != "allOf"}
        for part in parts:
            self._left -= 1
            if self._left < 0:
                raise UnfitError("its body is too large or refers to itself without end")
            each = self.merged(self._description.resolved(part), depth + 1)
            both = {**mapping(each.get("properties")), **mapping(merged.get("properties"))}
            needed = [*listing(each.get("required")), *listing(merged.get("required"))]
            merged = {**each, **merged, "required": needed}
            if both:
                merged["properties"] = both
        return merged

    def _first_of(self, described: dict[str, Any], name: str, depth: int) -> Any:
        ways = listing(described.get("oneOf")) or listing(described.get("anyOf"))
        rest = {key: value for key, value in described.items() if key not in ("oneOf", "anyOf")}
        reason = UnfitError(f"its body leaves open what {name or 'it'} is"[:80])
        for way in ways[:_MOST_ITEMS]:
            try:
                return self.of({"allOf": [way, rest]} if rest else way, name, depth + 1)
            except UnfitError as error:
                reason = error
        raise reason

    def _object(self, described: dict[str, Any], given: Any, depth: int) -> dict[str, Any]:
        properties = mapping(described.get("properties"))
        made: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
        for required in dict.fromkeys(map(str, listing(described.get("required")))):
            schema = properties.get(required, {})
            if self._description.resolved(schema).get("readOnly") is True:
                continue
            try:
                value = self.of(schema, required, depth + 1)
            except UnfitError:
                if required not in made:
                    raise
                continue
            if required not in made or isinstance(value, Raw):
                made[required] = value
        fewest = described.get("minProperties")
        if isinstance(fewest, int) and len(made) < fewest:
            raise UnfitError("its body needs members that are not named")
        return made

    def _array(self, described: dict[str, Any], name: str, depth: int) -> list[Any]:
        fewest = described.get("minItems", 0)
        if not isinstance(fewest, int) or fewest <= 0:
            return []
        if fewest > _MOST_ITEMS or (fewest > 1 and described.get("uniqueItems") is True):
            raise UnfitError("its body needs a list of many items")
        item = self.of(described.get("items"), name, depth + 1)
        return [item] * fewest

    def _string(self, described: dict[str, Any], name: str) -> Any:
        given = _given(described)
        if "const" in described or "enum" in described:
            return given
        kind = described.get("format")
        if kind == "binary":
            raise UnfitError("its body holds a file")
        if _PASSWORD.search(name) or kind == "password":
            return _FORMATS["password"]
        if _EMAIL.search(name) or kind in ("email", "idn-email"):
            return _FORMATS["email"]
        known = _FORMATS.get(kind) if isinstance(kind, str) else None
        if known is not None and not isinstance(known, Raw) and not _fits(known, described):
            known = None
        if known is None and _NAMED_FREELY.search(name) and _fits(_UNIQUE_SAMPLE, described):
            return _UNIQUE
        if isinstance(given, str):
            return given
        return _plain(described, name) if known is None else known


def _given(described: dict[str, Any]) -> Any:
    """A value that the description itself gives."""
    if "const" in described:
        return described["const"]
    for name in ("example", "default"):
        if described.get(name) is not None:
            return described[name]
    for name in ("examples", "enum"):
        for value in listing(described.get(name)):
            if value is not None:
                return value
    return None


def _fits(value: str, described: dict[str, Any]) -> bool:
    shortest, longest = described.get("minLength"), described.get("maxLength")
    if isinstance(shortest, int) and len(value) < shortest:
        return False
    if isinstance(longest, int) and len(value) > longest:
        return False
    pattern = described.get("pattern")
    return pattern is None or _matches(value, pattern)


def _matches(value: str, pattern: Any) -> bool:
    """Whether a short text matches a simple pattern; one that might take for ever is none."""
    if (
        not isinstance(pattern, str)
        or len(pattern) > _LONGEST_PATTERN
        or len(value) > _LONGEST_TRIED
    ):
        return False
    if re.search(r"\)\s*[*+{?]", pattern) or len(re.findall("[*+{?|]", pattern)) > _MOST_REPEATS:
        return False
    try:
        return bool(re.search(pattern, value))
    except (re.error, RecursionError, OverflowError):
        return False


def _plain(described: dict[str, Any], name: str) -> str:
    """A short text that fits, if any of a few does."""
    shortest = described.get("minLength")
    filler = "a" * min(shortest, 1_000) if isinstance(shortest, int) else ""
    for value in ("smoke", "SMOKE", "a", "1", "12345", "smoke" + filler, filler):
        if _fits(value, described):
            return value
    raise UnfitError(f"its body needs {name or 'a text'} of a form that was not found"[:80])


def _number(described: dict[str, Any]) -> float:
    """The number that is nearest to 1 within what is described."""
    step = _bound(described, "multipleOf", 1)
    least, most = _bound(described, "minimum", -_LARGEST), _bound(described, "maximum", _LARGEST)
    above = _bound(described, "exclusiveMinimum", -_LARGEST)
    below = _bound(described, "exclusiveMaximum", _LARGEST)
    if described.get("exclusiveMinimum") is True:  # as OpenAPI 3.0 says it
        above = least
    if described.get("exclusiveMaximum") is True:
        below = most
    value = min(max(step, least, above + 1), most, below - 1)
    if step <= 0 or value % step or not (least <= value <= most and above < value < below):
        raise UnfitError("its body needs a number of a form that was not found")
    return int(value) if value == int(value) else value


def _bound(described: dict[str, Any], name: str, otherwise: float) -> float:
    value = described.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return otherwise
    return value if abs(value) < _LARGEST else otherwise
