"""Stand-ins of the same form for the secrets in a recording."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import string
from typing import Any

import msgspec

from smokegate.audit.recording import Recorded, Recording
from smokegate.client.redaction import Redactor
from smokegate.client.spellings import Spelling, spellings
from smokegate.client.transport import Headers
from smokegate.secret_names import is_secret_name
from smokegate.settings import Settings

_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
# What some syntax escapes would not be found as it was written.
_ESCAPED = frozenset("\\\"'`&<>%+ \t\r\n")
_JWT_PARTS = 3
_PREFIX = re.compile(r"^(?:[A-Za-z]{2,10}_){1,2}(?=.{8})")  # whsec_..., sk_live_...


class StandIns:
    """Replaces every secret that a run knew, the same one by the same stand-in everywhere."""

    def __init__(self, redactor: Redactor) -> None:
        self._key = os.urandom(16)
        self._pairs: list[tuple[Spelling, str]] = []
        for secret in redactor.secrets:
            there = spellings(self.of(secret))
            self._pairs += [
                (spelling, one.form)
                for spelling, one in zip(spellings(secret), there, strict=False)
            ]
        self._pairs.sort(key=lambda pair: len(pair[0].form), reverse=True)

    def of(self, secret: str) -> str:
        """The stand-in for a secret: letters for letters, digits for digits, as long.

        A prefix that says what kind of secret it is stays.

        Of a JSON Web Token (RFC 7519) only the signature is replaced: what it claims may be read,
        and without the signature it lets nobody in.
        """
        parts = secret.split(".")
        if len(parts) == _JWT_PARTS and _is_jose_header(parts[0]):
            return ".".join([*parts[:2], self._scrambled(parts[2])])
        prefix = _PREFIX.match(secret)
        kept = prefix[0] if prefix else ""
        return kept + self._scrambled(secret[len(kept) :])

    def _scrambled(self, text: str) -> str:
        digest = b""
        while len(digest) < len(text):
            seed = f"{len(digest)}/{text}".encode("utf-8", "surrogatepass")
            digest += hmac.digest(self._key, seed, "sha256")
        return "".join(map(_another, text, digest))

    def text(self, text: str) -> str:
        """Return a text with stand-ins."""
        for spelling, stand_in in self._pairs:
            text = spelling.replaced(text, stand_in)
        return text

    def bytes(self, body: bytes) -> bytes:
        """Return a body with stand-ins."""
        return self.text(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def recorded(self, recorded: Recorded) -> Recorded:
        """Return an exchange with stand-ins, in the request and in the reply."""
        request, answer = recorded.request, recorded.answer
        return msgspec.structs.replace(
            recorded,
            request=msgspec.structs.replace(
                request,
                url=self.text(request.url),
                headers=self._headers(request.headers),
                body=None if request.body is None else self.bytes(request.body),
            ),
            answer=msgspec.structs.replace(
                answer, headers=self._headers(answer.headers), body=self.bytes(answer.body)
            ),
        )

    def for_file(self, recording: Recording, settings: Settings) -> Recording:
        """Return a recording that can be given away."""
        secrets = {
            key: self._value(sourced.value)
            for key, sourced in settings.extra.items()
            if is_secret_name(key)
        }
        return msgspec.structs.replace(
            recording,
            exchanges=[self.recorded(each) for each in recording.exchanges],
            test_password=self.text(recording.test_password),
            secrets=secrets,
        )

    def _headers(self, headers: Headers) -> Headers:
        return [(name, self.text(value)) for name, value in headers]

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._value(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._value(part) for part in value]
        return self.text(value) if isinstance(value, str) else value


def _another(character: str, byte: int) -> str:
    if character in _ESCAPED:
        return "-"
    for each in _CLASSES:
        if character in each:
            return each[byte % len(each)]
    return character


def _is_jose_header(part: str) -> bool:
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header
