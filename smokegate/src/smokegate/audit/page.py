"""An audit as one HTML page that loads nothing, opens from a file, and can be kept with a release.

What came from outside is in it once, as JSON in ASCII in a block that no markup can end; the page's
own script puts it into the document as text. Its policy lets only that script and style run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files

import msgspec

from smokegate.audit.report import Audit

_SCRIPTS = ("model", "dom", "card", "filters", "matrix", "sections", "start")
_PLACE = re.compile(r"\{\{(\w+)\}\}")
# As they are written inside a string of JSON; they occur nowhere else in it.
_MARKUP = {ord("<"): r"\u003c", ord(">"): r"\u003e", ord("&"): r"\u0026"}


def page(audit: Audit) -> str:
    """The page of an audit, in ASCII but for the template's own signs."""
    style = _part("page.css")
    script = "\n".join(_part(f"{name}.js") for name in _SCRIPTS)
    parts = {
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "data": _as_data(audit),
    }
    return _PLACE.sub(lambda found: parts[found[1]], _part("page.html"))


def _as_data(audit: Audit) -> str:
    """JSON without a character that could act, whether on a parser or on a reader."""
    return json.dumps(msgspec.to_builtins(audit), separators=(",", ":")).translate(_MARKUP)


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {_digest(style)}",
            f"script-src {_digest(script)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    """A source as a Content Security Policy names it (CSP 3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _part(name: str) -> str:
    return (files(__package__) / "html" / name).read_text(encoding="utf-8")
