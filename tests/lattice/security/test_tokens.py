import hmac
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lattice.database import now
from lattice.security.tokens import Claims, InvalidTokenError, TokenKind, Tokens
from lattice.settings import Settings

# Long enough for every algorithm that is tried here.
SECRET = "a secret of more than sixty-four bytes, which is what HS512 asks for"
ANOTHER = "another secret of more than sixty-four bytes, which is for the next years"


@pytest.fixture
def tokens(settings_with: Callable[..., Settings]) -> Tokens:
    return Tokens(settings_with(secret=SECRET))


@pytest.fixture
def changing(settings_with: Callable[..., Settings]) -> Tokens:
    """While keys are changed: signs with another key, and takes the one of `tokens` too."""
    return Tokens(settings_with(secret=ANOTHER, second_secret=SECRET))


def key_id(secret: str) -> str:
    """The name of a key, as our tokens have it."""
    token = Tokens(Settings.model_validate({"secret": secret})).access("", "", "")
    return str(jwt.get_unverified_header(token)["kid"])


def forged(
    *,
    key: str = SECRET,
    algorithm: str = "HS256",
    typ: str = "at+jwt",
    kid: str | None = None,
    **change: Any,
) -> str:
    """A token as ours are, but for what is said; times are given from now."""
    claims: dict[str, Any] = {
        "iss": "lattice",
        "aud": "lattice-api",
        "iat": timedelta(),
        "nbf": timedelta(),
        "exp": timedelta(seconds=60),
        "sub": "user",
        "tid": "tenant",
        "sid": "session",
        "jti": "token",
    }
    wanted = {
        name: now() + value if isinstance(value, timedelta) else value
        for name, value in (claims | change).items()
        if value is not None
    }
    headers = {"typ": typ, "kid": key_id(SECRET) if kid is None else kid}
    return jwt.encode(wanted, key, algorithm=algorithm, headers=headers)


def with_header(change: dict[str, Any], key: str = SECRET) -> str:
    """The token `forged()` with a changed header, signed anew; None takes a member out."""

    def encode(text: bytes) -> str:
        return urlsafe_b64encode(text).rstrip(b"=").decode()

    token = forged()
    header = jwt.get_unverified_header(token) | change
    kept = {name: value for name, value in header.items() if value is not None}
    signed = f"{encode(json.dumps(kept).encode())}.{token.split('.')[1]}"
    return f"{signed}.{encode(hmac.digest(key.encode(), signed.encode(), 'sha256'))}"


def test_a_token_says_whose_it_is(tokens: Tokens) -> None:
    claims = tokens.read(tokens.access("user", "tenant", "session"), TokenKind.ACCESS)
    assert (claims.user_id, claims.tenant_id, claims.session_id) == ("user", "tenant", "session")


def test_what_is_forged_here_would_be_taken_with_the_right_key(tokens: Tokens) -> None:
    assert tokens.read(forged(), TokenKind.ACCESS) == Claims("user", "tenant", "session", "token")


def test_an_access_token_lives_as_long_as_it_says(settings_with: Callable[..., Settings]) -> None:
    tokens = Tokens(settings_with(secret=SECRET, access_token_ttl_s=30))
    token = tokens.access("user", "tenant", "session")
    payload = jwt.decode(token, SECRET, algorithms=["HS256"], audience="lattice-api")
    assert payload["exp"] - payload["iat"] == tokens.access_ttl_s == 30


@pytest.mark.parametrize("kind", TokenKind)
def test_the_kinds_are_not_mistaken(tokens: Tokens, kind: TokenKind) -> None:
    claims = Claims("user", "tenant", "session", "token")
    made = {
        TokenKind.ACCESS: tokens.access("user", "tenant", "session"),
        TokenKind.REFRESH: tokens.refresh(claims, now() + timedelta(seconds=60)),
    }
    for other, token in made.items():
        if other is kind:
            assert tokens.read(token, kind)
        else:
            with pytest.raises(InvalidTokenError):
                tokens.read(token, kind)


@pytest.mark.parametrize(
    "change",
    [
        {"key": SECRET + "!"},
        {"algorithm": "HS512"},
        {"typ": "JWT"},
        {"iss": "another"},
        {"aud": "another"},
        {"aud": ["another"]},
        {"exp": timedelta(seconds=-60)},
        {"nbf": timedelta(seconds=60)},
        {"iat": timedelta(seconds=60)},
        *({name: None} for name in ("iss", "aud", "exp", "iat", "nbf", "sub", "sid", "tid", "jti")),
    ],
    ids=lambda change: "-".join(f"{k}-{type(v).__name__}" for k, v in change.items()),
)
def test_a_token_that_is_not_quite_ours_is_refused(tokens: Tokens, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidTokenError):
        tokens.read(forged(**change), TokenKind.ACCESS)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "HS256", ""])
def test_a_token_without_a_signature_is_refused(tokens: Tokens, algorithm: str) -> None:
    unsigned = with_header({"alg": algorithm}).rpartition(".")[0]
    for token in (f"{unsigned}.", unsigned):
        with pytest.raises(InvalidTokenError):
            tokens.read(token, TokenKind.ACCESS)


def test_what_has_its_header_changed_here_would_be_taken_with_the_right_one(
    tokens: Tokens,
) -> None:
    assert tokens.read(with_header({}), TokenKind.ACCESS)


@pytest.mark.parametrize("algorithm", ["HS384", "RS256", "ES256", "EdDSA", "hs256", None, 256])
def test_the_algorithm_is_not_what_the_token_says(tokens: Tokens, algorithm: object) -> None:
    with pytest.raises(InvalidTokenError):
        tokens.read(with_header({"alg": algorithm}), TokenKind.ACCESS)


KIDS = ("", "another", "../../../../dev/null", "' UNION SELECT 'key", "*", "|id", "\0")


@pytest.mark.parametrize("kid", [*KIDS, None, 0, True, ["a"], {"a": 1}], ids=repr)
def test_a_name_that_is_none_of_our_keys_gives_no_key(changing: Tokens, kid: object) -> None:
    # Whatever a name could be made to give: nothing, itself, or a key that is ours.
    for key in ("", str(kid), SECRET, ANOTHER):
        with pytest.raises(InvalidTokenError):
            changing.read(with_header({"kid": kid}, key), TokenKind.ACCESS)


def test_a_name_gives_its_own_key_and_no_other(changing: Tokens) -> None:
    assert changing.read(forged(key=SECRET, kid=key_id(SECRET)), TokenKind.ACCESS)
    assert changing.read(forged(key=ANOTHER, kid=key_id(ANOTHER)), TokenKind.ACCESS)
    for key, kid in ((SECRET, key_id(ANOTHER)), (ANOTHER, key_id(SECRET))):
        with pytest.raises(InvalidTokenError):
            changing.read(forged(key=key, kid=kid), TokenKind.ACCESS)


def test_a_key_that_a_token_brings_along_is_not_used(tokens: Tokens) -> None:
    theirs = "a key of somebody else, who is no friend of ours at all"
    encoded = urlsafe_b64encode(theirs.encode()).rstrip(b"=").decode()
    for header in (
        {"jwk": {"kty": "oct", "k": encoded}},
        {"jku": "https://example.com/keys"},
        {"x5u": "https://example.com/chain"},
        {"x5c": [encoded]},
    ):
        with pytest.raises(InvalidTokenError):
            tokens.read(with_header(header, theirs), TokenKind.ACCESS)


def test_what_must_be_understood_and_is_not_is_refused(tokens: Tokens) -> None:
    with pytest.raises(InvalidTokenError):
        tokens.read(with_header({"crit": ["exp2"], "exp2": 0}), TokenKind.ACCESS)


def test_while_keys_are_changed_both_are_taken_and_the_newer_signs(
    settings_with: Callable[..., Settings],
) -> None:
    old, prepared, changed, new = (
        Tokens(settings_with(secret=secret, second_secret=second))
        for secret, second in ((SECRET, ""), (SECRET, ANOTHER), (ANOTHER, SECRET), (ANOTHER, ""))
    )
    by_old = [made.access("user", "tenant", "session") for made in (old, prepared)]
    by_new = [made.access("user", "tenant", "session") for made in (changed, new)]
    for token in (*by_old, *by_new):
        for reader in (prepared, changed):
            assert reader.read(token, TokenKind.ACCESS)
    for tokens, reader in ((by_old, new), (by_new, old)):
        for token in tokens:
            with pytest.raises(InvalidTokenError):
                reader.read(token, TokenKind.ACCESS)


def test_the_name_of_a_key_tells_nothing_of_it() -> None:
    assert key_id(SECRET) != key_id(ANOTHER)
    assert len(key_id(SECRET)) == 16


def test_a_payload_is_not_taken_with_the_signature_of_another(tokens: Tokens) -> None:
    (header, payload, _), (_, _, signature) = (
        tokens.access(user, "tenant", "session").split(".") for user in ("ada", "bob")
    )
    with pytest.raises(InvalidTokenError):
        tokens.read(f"{header}.{payload}.{signature}", TokenKind.ACCESS)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_letter_is_noticed(tokens: Tokens, part: int) -> None:
    parts = forged().split(".")
    parts[part] = ("A" if parts[part][5] != "A" else "B").join((parts[part][:5], parts[part][6:]))
    with pytest.raises(InvalidTokenError):
        tokens.read(".".join(parts), TokenKind.ACCESS)


@given(text=st.text() | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True))
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    tokens = Tokens(Settings(dev=True))
    with pytest.raises(InvalidTokenError):
        tokens.read(text, TokenKind.ACCESS)


def test_what_confirms_a_registration_is_of_a_key_that_is_known(
    tokens: Tokens, changing: Tokens, settings_with: Callable[..., Settings]
) -> None:
    registration_id = "0" * 32
    token = tokens.confirmation(registration_id)
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert tokens.read_confirmation(token) == changing.read_confirmation(token) == registration_id
    others = Tokens(settings_with(secret=ANOTHER))
    assert changing.confirmation(registration_id) == others.confirmation(registration_id)
    for wrong in (
        others.confirmation(registration_id),
        "1" + token[1:],
        token[:-1],
        token + "0",
        token.upper() + " ",
        registration_id,
        "",
        tokens.access("", "", ""),
    ):
        with pytest.raises(InvalidTokenError):
            tokens.read_confirmation(wrong)
