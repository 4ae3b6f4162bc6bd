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


@pytest.fixture
def tokens(settings_with: Callable[..., Settings]) -> Tokens:
    return Tokens(settings_with(secret=SECRET))


def forged(
    *, key: str = SECRET, algorithm: str = "HS256", typ: str = "at+jwt", **change: Any
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
    return jwt.encode(wanted, key, algorithm=algorithm, headers={"typ": typ})


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
        {"exp": timedelta(seconds=-60)},
        {"nbf": timedelta(seconds=60)},
        *({name: None} for name in ("iss", "aud", "exp", "iat", "nbf", "sub", "sid", "tid", "jti")),
    ],
    ids=lambda change: "-".join(f"{k}-{type(v).__name__}" for k, v in change.items()),
)
def test_a_token_that_is_not_quite_ours_is_refused(tokens: Tokens, change: dict[str, Any]) -> None:
    with pytest.raises(InvalidTokenError):
        tokens.read(forged(**change), TokenKind.ACCESS)


def test_a_token_without_a_signature_is_refused(tokens: Tokens) -> None:
    unsigned = jwt.encode(
        jwt.decode(forged(), options={"verify_signature": False}),
        "",
        algorithm="none",
        headers={"typ": "at+jwt"},
    )
    with pytest.raises(InvalidTokenError):
        tokens.read(unsigned, TokenKind.ACCESS)


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
