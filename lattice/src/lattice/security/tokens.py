"""Access and refresh tokens: JSON Web Tokens by the rules of RFC 8725.

One algorithm, never the one that a token names. The kinds are told apart by their `typ` header,
so neither passes for the other (RFC 8725, section 3.11; RFC 9068 for `at+jwt`).

Two keys can be live, so that they can be changed while tokens are about: one signs, both are
taken. A token names its key (`kid`), by a name that is looked up among the two and nowhere else.

What confirms a registration is a token of another make, short enough for a mail.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest, digest
from uuid import uuid4

import jwt

from lattice.database import now
from lattice.settings import Settings

ALGORITHM = "HS256"
ISSUER = "lattice"
AUDIENCE = "lattice-api"
# Clocks of machines that share a secret may differ by this much.
LEEWAY_S = 10
REGISTRATION_ID_CHARACTERS = 32
REQUIRED = ["iss", "aud", "exp", "iat", "nbf", "sub", "sid", "tid", "jti"]


class TokenKind(StrEnum):
    """The `typ` header of each kind of token."""

    ACCESS = "at+jwt"
    REFRESH = "rt+jwt"


class InvalidTokenError(Exception):
    """The token is not one of ours, not of this kind, or not good now."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says of its bearer."""

    user_id: str
    tenant_id: str
    session_id: str
    token_id: str


class Tokens:
    """Issues tokens and reads them back."""

    def __init__(self, settings: Settings) -> None:
        secrets = (settings.secret.get_secret_value(), settings.second_secret.get_secret_value())
        self._keys = {_key_id(secret): secret for secret in secrets if secret}
        self._signing_key_id = _key_id(secrets[0])
        self.access_ttl_s = settings.access_token_ttl_s
        self.refresh_ttl_s = settings.refresh_token_ttl_s

    def access(self, user_id: str, tenant_id: str, session_id: str) -> str:
        """Issue an access token, good for `access_ttl_s` seconds while its session lasts."""
        claims = Claims(user_id, tenant_id, session_id, str(uuid4()))
        return self._sign(TokenKind.ACCESS, claims, now() + timedelta(seconds=self.access_ttl_s))

    def refresh(self, claims: Claims, expires_at: datetime) -> str:
        """Issue a refresh token, good for one use until `expires_at`."""
        return self._sign(TokenKind.REFRESH, claims, expires_at)

    def read(self, token: str, kind: TokenKind) -> Claims:
        """Return the claims of a token of this kind; any other text is an `InvalidTokenError`."""
        try:
            read = jwt.decode_complete(
                token,
                self._key_of(token),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=LEEWAY_S,
                options={"require": REQUIRED},
            )
        # Hostile text raises more than the library's own errors: deep nesting, huge numbers.
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, RecursionError) as error:
            raise InvalidTokenError from error
        if read["header"].get("typ") != kind:
            raise InvalidTokenError
        claims = read["payload"]
        return Claims(claims["sub"], claims["tid"], claims["sid"], claims["jti"])

    def confirmation(self, registration_id: str) -> str:
        """Issue what confirms the registration with this id, which has 32 characters."""
        return _confirmation(self._keys[self._signing_key_id], registration_id)

    def read_confirmation(self, token: str) -> str:
        """Return the id of the registration that it confirms; `InvalidTokenError` if of none."""
        registration_id = token[:REGISTRATION_ID_CHARACTERS]
        for key in self._keys.values():
            issued = _confirmation(key, registration_id)
            if compare_digest(issued.encode(), token.encode("utf-8", "replace")):
                return registration_id
        raise InvalidTokenError

    def _key_of(self, token: str) -> str:
        return self._keys[jwt.get_unverified_header(token)["kid"]]

    def _sign(self, kind: TokenKind, claims: Claims, expires_at: datetime) -> str:
        issued_at = now()
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": expires_at,
            "sub": claims.user_id,
            "tid": claims.tenant_id,
            "sid": claims.session_id,
            "jti": claims.token_id,
        }
        headers = {"typ": kind.value, "kid": self._signing_key_id}
        return jwt.encode(payload, self._keys[headers["kid"]], ALGORITHM, headers)


def _confirmation(secret: str, registration_id: str) -> str:
    # Made of the key each time: who reads the database, or a copy of it, has no token from there.
    # No JSON Web Token has this text before its signature: none passes for the other.
    asked = b"confirms\0" + registration_id.encode("utf-8", "replace")
    return registration_id + digest(secret.encode(), asked, "sha256")[:16].hex()


def _key_id(secret: str) -> str:
    """Return the name of a key: the same wherever the key is, and telling nothing of it."""
    return digest(secret.encode(), b"kid", "sha256")[:8].hex()
