"""Binds a verdict to its evidence: a chain of digests over the parts of a run, and a signature.

What is sealed is what `run.json` says, members that this version does not know included. Each
link is SHA-256 over the link before, the part's name and the part, as JSON in ASCII with sorted
keys, no spaces and whole numbers without a fraction; so a part cannot be altered, left out or moved
without every link after it changing. Who can write the file can also seal it anew: only the
signature (HMAC-SHA256, RFC 2104, over the last link) or a copy of the last link kept elsewhere
proves that nobody did.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from smokegate.results import JudgedRun, Link, Seal, to_json

Document = dict[str, Any]
_KINDS = {
    "resources": "resource",
    "probes": "probe",
    "checks": "check",
    "locations": "location",
}
_SHOWN_CHARS = 60
_APART = frozenset({*_KINDS, "verdict", "seal"})


def sealed(run: JudgedRun, key: str) -> JudgedRun:
    """Return the run with its seal, signed if there is a key."""
    links = _chain(_document_in_parts(run))
    head = links[-1].digest
    seal = Seal(links=links, head=head, signature=_signature(head, key) if key else "")
    return msgspec.structs.replace(run, seal=seal)


def document_of(text: bytes) -> Document:
    """Decode a `run.json` as plain data.

    Raises `ValueError` where it is not JSON or has a member twice, of which readers take one or
    the other, and `RecursionError` where it is nested too deeply.
    """
    document: Document = json.loads(text, object_pairs_hook=_members, parse_float=_number)
    return document


def altered_part(document: Document) -> str:
    """Name the first part of a run that is not as it was sealed; nothing if all are.

    The document has the shape of a run. Raises `RecursionError` where it is nested too deeply.
    """
    seal = document.get("seal")
    if seal is None:
        return "the seal"
    links = msgspec.to_builtins(_chain(document))
    for link, recorded in zip(links, seal["links"], strict=False):
        if link["part"] != recorded["part"]:
            return f"{link['part']}, which stands where {recorded['part']} was,"
        if link != recorded:
            return str(link["part"])
    whole = {"links": links, "head": links[-1]["digest"], "signature": seal.get("signature", "")}
    return "" if seal == whole else "the seal"


def is_signed(run: JudgedRun, key: str) -> bool:
    """Whether the seal was signed with this key."""
    if run.seal is None:
        return False
    wanted = _signature(run.seal.head, key).encode()
    return hmac.compare_digest(run.seal.signature.encode(), wanted)


def _document_in_parts(run: JudgedRun) -> Document:
    """What `document_of` gives for a run's JSON, its large members decoded one by one, once."""
    rest = msgspec.structs.replace(run, resources=[], probes=[], checks=[], locations=[])
    document = document_of(to_json(rest))
    for name in _KINDS:
        document[name] = (document_of(to_json(each)) for each in getattr(run, name))
    return document


def _chain(document: Document) -> list[Link]:
    links: list[Link] = []
    digest = ""
    for part, value in _parts(document):
        canonical = json.dumps([digest, part, value], sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        links.append(Link(part=part, digest=digest))
    return links


def _parts(document: Document) -> Iterator[tuple[str, Any]]:
    yield "run", {name: None if name in _APART else each for name, each in document.items()}
    for name, kind in _KINDS.items():
        for each in document.get(name, []):
            yield f"{kind} {each['id'] if 'id' in each else each['name']}", each
    yield "verdict", document["verdict"]


def _members(pairs: list[tuple[str, Any]]) -> Document:
    members: Document = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the member {name[:_SHOWN_CHARS]!r} stands there twice")
        members[name] = value
    return members


def _number(text: str) -> float:
    """Read a number the same whether 1 was written as 1.0 or not: tools that tidy JSON do both."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _signature(head: str, key: str) -> str:
    return hmac.digest(key.encode(), head.encode(), "sha256").hex()
