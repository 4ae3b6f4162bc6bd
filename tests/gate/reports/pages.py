"""What a page may be made of, so that nothing in it runs, loads or sends anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.gate.audit.test_page import Parsed

_TAGS = re.compile(
    "html|head|meta|link|title|style|body|header|nav|main|section|article|footer|h[123]|p|a|b|i|"
    "code|pre|span|div|dl|dt|dd|ul|ol|li|table|thead|tbody|tr|th|td|details|summary|"
    "svg|rect|line|text"
)
_ATTRIBUTES = re.compile(
    "aria-[a-z]+|charset|class|content|height|href|http-equiv|id|lang|name|open|rel|role|tabindex|"
    "title|width|[xy][12]?"
)


def active_parts(page: Parsed) -> Iterator[str]:
    """Name each element that is more than text in a place."""
    for tag, attributes in page.elements:
        href = attributes.get("href") or "#"
        is_icon = tag == "link" and href.startswith("data:image/svg+xml,")
        known = _TAGS.fullmatch(tag) and all(map(_ATTRIBUTES.fullmatch, attributes))
        if not known or not (href.startswith("#") or is_icon):
            yield f"{tag} {attributes!r}"
