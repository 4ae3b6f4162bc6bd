"""An HTML document that loads nothing and opens from a file, in the looks that all of ours share.

Its policy, in a meta element of its template, lets its own style and script work, known by their
digests, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

_PLACE = re.compile(r"\{\{(\w+)\}\}")
_FAMILY = Path(__file__).with_name("html") / "family.css"


def document(template: str, *, style: str, script: str = "", **parts: str) -> str:
    """Fill in a template's places, {{like}} this; what is put there is not looked at again.

    The places `policy`, `style` and `script` are filled from the style and the script. The other
    parts are markup already.
    """
    style = family() + style
    filled = {"policy": _policy(style, script), "style": style, "script": script, **parts}
    return _PLACE.sub(lambda found: filled[found[1]], template)


def family() -> str:
    """What all pages look like."""
    return _FAMILY.read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    sources = [
        "default-src 'none'",
        f"style-src {_digest(style)}",
        f"script-src {_digest(script)}" if script else "script-src 'none'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(sources)


def _digest(text: str) -> str:
    """A source as a Content Security Policy names it (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
