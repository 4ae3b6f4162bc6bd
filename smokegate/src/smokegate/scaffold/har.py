"""What a browser recorded (HAR 1.2): the requests of one origin, without files and analytics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from smokegate.errors import UsageError
from smokegate.scaffold.openapi import listing, mapping
from smokegate.scaffold.steps import Scenario, Step, of_file
from smokegate.scaffold.unfit import UnfitError

_FILES = re.compile(
    r"\.(?:js|mjs|css|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|otf|mp4|webm|wasm)$",
    re.IGNORECASE,
)
_MEDIA = re.compile(r"(?:image|font|video|audio)/|text/(?:css|javascript)|application/javascript")
_REDIRECTS = range(300, 400)
_REVALIDATED = 304
_OK = 200  # below it stand connections that were lost, or became WebSockets


def scenario(document: dict[str, Any], where: str, name: str, url: str) -> Scenario:
    """The requests to one origin: that of the target, or of the first page. Raises `UsageError`."""
    entries = [mapping(each) for each in listing(mapping(document.get("log")).get("entries"))]
    origins = [_origin(str(mapping(each.get("request")).get("url"))) for each in entries]
    if not any(origins):
        raise UsageError(f"{where}: it is no HAR file: it has no log.entries with URLs")
    given = _origin(url)
    ours = given if given in origins else next(each for each in origins if each)
    steps = [
        step
        for entry, origin in zip(entries, origins, strict=True)
        if origin == ours
        for step in _steps(entry)
    ]
    return of_file(name, steps)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""


def _steps(entry: dict[str, Any]) -> Iterator[Step]:
    """The step of an entry; none for files, for what checks permissions, and for redirects."""
    request, response = mapping(entry.get("request")), mapping(entry.get("response"))
    method, url = str(request.get("method")).upper(), str(request.get("url"))
    status = response.get("status")
    content = mapping(response.get("content"))
    is_file = _FILES.search(urlsplit(url).path) or _MEDIA.match(str(content.get("mimeType", "")))
    if is_file or method == "OPTIONS" or not isinstance(status, int) or status < _OK:
        return
    if method in ("GET", "HEAD") and status in _REDIRECTS and status != _REVALIDATED:
        return  # it is followed, and where it led to stands behind it
    step = Step(
        method,
        url,
        headers=_pairs(request.get("headers")),
        statuses=(200 if status == _REVALIDATED else status,),
        reply=_reply(content),
    )
    posted = mapping(request.get("postData"))
    media_type = str(posted.get("mimeType", "")).lower()
    try:
        if posted.get("params") and "urlencoded" in media_type:
            step.form = _pairs(posted.get("params"))
        elif media_type.startswith("multipart/"):
            step.flaw = "its body is made of files"
        elif posted.get("text"):
            step.carry(str(posted["text"]), media_type)
    except UnfitError as error:
        step.flaw = str(error)
    yield step


def _pairs(value: Any) -> list[tuple[str, str]]:
    named = [mapping(each) for each in listing(value)]
    return [(str(each.get("name")), str(each.get("value", ""))) for each in named]


def _reply(content: dict[str, Any]) -> Any:
    """What was answered, where it was kept and is JSON."""
    if "json" not in str(content.get("mimeType", "")) or content.get("encoding"):
        return msgspec.UNSET
    try:
        return msgspec.json.decode(str(content.get("text", "")))
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return msgspec.UNSET
