"""An audit as one HTML page that loads nothing, opens from a file, and can be kept with a release.

What came from outside is in it once, as JSON in ASCII in a block that no markup can end; the page's
own script puts it into the document as text. Its policy lets only that script and style run.
"""

from __future__ import annotations

import json
from importlib.resources import files

import msgspec

from smokegate.audit.report import Audit
from smokegate.reports.document import document

_SCRIPTS = ("model", "dom", "card", "filters", "matrix", "sections", "start")
# As they are written inside a string of JSON; they occur nowhere else in it.
_MARKUP = {ord("<"): r"\u003c", ord(">"): r"\u003e", ord("&"): r"\u0026"}


def page(audit: Audit) -> str:
    """The page of an audit, in ASCII but for the template's own signs."""
    return document(
        _part("page.html"),
        style=_part("page.css"),
        script="\n".join(_part(f"{name}.js") for name in _SCRIPTS),
        data=_as_data(audit),
    )


def _as_data(audit: Audit) -> str:
    """JSON without a character that could act, whether on a parser or on a reader."""
    return json.dumps(msgspec.to_builtins(audit), separators=(",", ":")).translate(_MARKUP)


def _part(name: str) -> str:
    return (files(__package__) / "html" / name).read_text(encoding="utf-8")
