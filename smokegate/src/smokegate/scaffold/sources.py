"""Where a description comes from: a file or a URL, bounded; a document that may be hostile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from smokegate.client.reply import DEEPEST, is_deeper
from smokegate.errors import UsageError
from smokegate.settings import Settings

_MOST_BYTES = 33_554_432  # the largest public descriptions have a third of it
_MOST_VALUES = 3_000_000  # a value of 2 bytes takes 60 in memory
_MOST_MEMBERS = 100_000
_WITHIN_S = 30.0


def read(where: str, settings: Settings) -> bytes:
    """The bytes of a file or, by http and https, of a URL. Raises `UsageError`."""
    if where.startswith(("http://", "https://")):
        return _fetched(where, settings)
    try:
        with Path(where).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{where}: {error.strerror or error}") from None
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{where}: it is larger than {_MOST_BYTES >> 20} MiB")
    return content


def document(content: bytes, where: str) -> dict[str, Any]:
    """The JSON or YAML document of a source, an object. Raises `UsageError`."""
    if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        found = _from_json(content.removeprefix(b"\xef\xbb\xbf"), where)
    else:
        found = _from_yaml(content, where)
    if not isinstance(found, dict):
        raise UsageError(f"{where}: it holds no object")
    return found


def _from_json(content: bytes, where: str) -> Any:
    if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_VALUES:
        raise UsageError(f"{where}: it holds more than {_MOST_VALUES:,} values")
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UsageError(f"{where}: it is not JSON: {str(error)[:200]}") from None
    if is_deeper(found, DEEPEST):
        raise UsageError(f"{where}: it is nested deeper than {DEEPEST}")
    return found


def _from_yaml(content: bytes, where: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        raise UsageError(f"{where}: it is not JSON; for YAML install smokegate[init]") from None
    try:
        return yaml.load(content, _loader(fast=not _is_deep(content)))  # noqa: S506 - it derives from a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UsageError(f"{where}: it is neither JSON nor YAML: {reason}") from None


def _is_deep(content: bytes) -> bool:
    """Whether YAML could be nested so deep that the loader in C would run out of its stack."""
    if re.search(rb"^[ \t?:-]{%d}" % DEEPEST, content, re.MULTILINE):
        return True
    depth = 0
    for bracket in re.findall(rb"[][{}]", content):
        depth = depth + 1 if bracket in b"[{" else max(0, depth - 1)
        if depth > DEEPEST:
            return True
    return False


def _loader(*, fast: bool) -> Any:
    """A loader of what JSON can hold; merges that grow without end are refused."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader) if fast else yaml.SafeLoader

    class Loader(base):  # type: ignore[misc]
        def flatten_mapping(self, node: Any) -> None:
            super().flatten_mapping(node)
            if len(node.value) > _MOST_MEMBERS:
                raise yaml.YAMLError("an object has too many members")

    Loader.yaml_implicit_resolvers = {
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    return Loader


def _fetched(url: str, settings: Settings) -> bytes:
    from smokegate import __version__, gate
    from smokegate.client.curl import CurlTransport
    from smokegate.client.transport import Answer, Request
    from smokegate.client.trouble import WORDS
    from smokegate.engine import in_loop

    gate.refuse_unreadable_authority(settings.ca_file)

    async def fetch() -> Answer:
        transport = CurlTransport(
            ca_file=settings.ca_file,
            proxy=settings.proxy,
            max_reply_bytes=_MOST_BYTES,
            max_connections=1,
        )
        headers = [("Accept", "application/json, */*;q=0.5")]
        headers.append(("User-Agent", f"smokegate/{__version__}"))
        request = Request(method="GET", url=url, headers=headers, timeout_s=_WITHIN_S)
        try:
            return await transport.send(request)
        finally:
            await transport.close()

    answer = in_loop(fetch)
    if answer.failure:
        raise UsageError(f"{url}: {WORDS[answer.failure.kind].summary}")
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise UsageError(f"{url}: status {answer.status}, not 200; give the URL that it is at")
    return answer.body
