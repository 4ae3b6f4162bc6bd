from __future__ import annotations

import base64
import json

import pytest
from smokegate.service.access.sessions import SESSION_S, Signer, is_same

NOW_S = 1_000_000.0


def test_a_session_is_what_was_signed() -> None:
    signer = Signer("the secret")
    session = signer.opened(signer.session("Ada Ω", NOW_S), NOW_S + SESSION_S - 1)
    assert session is not None
    assert (session.name, session.until_s) == ("Ada Ω", NOW_S + SESSION_S)


def test_it_ends() -> None:
    signer = Signer("the secret")
    assert signer.opened(signer.session("Ada", NOW_S), NOW_S + SESSION_S) is None


def test_another_secret_opens_it_not() -> None:
    cookie = Signer("the secret").session("Ada", NOW_S)
    assert Signer("the secret").opened(cookie, NOW_S) is not None, "a restart changes nothing"
    assert Signer("another secret").opened(cookie, NOW_S) is None


def test_what_is_altered_is_none() -> None:
    signer = Signer("the secret")
    told, _, signature = signer.session("Ada", NOW_S).partition(".")
    longer = json.loads(base64.urlsafe_b64decode(told + "=="))
    longer[1] += 1
    forged = base64.urlsafe_b64encode(json.dumps(longer).encode()).decode().rstrip("=")
    assert signer.opened(f"{forged}.{signature}", NOW_S) is None
    for place in range(len(signature)):
        other = "A" if signature[place] != "A" else "B"
        assert (
            signer.opened(f"{told}.{signature[:place]}{other}{signature[place + 1 :]}", 0) is None
        )


@pytest.mark.parametrize("cookie", ["", ".", "a.b", "\ud800.\ud800", "Ω.Ω", "a" * 10_000])
def test_anything_else_is_none(cookie: str) -> None:
    assert Signer("the secret").opened(cookie, NOW_S) is None


def test_a_form_belongs_to_its_owner() -> None:
    signer = Signer("the secret")
    assert signer.form_token("ada") == signer.form_token("ada")
    assert signer.form_token("ada") != signer.form_token("bob")
    assert Signer("another").form_token("ada") != signer.form_token("ada")


def test_what_signs_forms_signs_no_session() -> None:
    """Otherwise a form's token would be a session for whoever chooses its owner's name."""
    signer = Signer("the secret")
    told = signer.session("Ada", NOW_S).partition(".")[0]
    assert signer.opened(f"{told}.{signer.form_token(told)}", NOW_S) is None


def test_nothing_is_not_the_same_as_nothing() -> None:
    assert not is_same("", "")
    assert is_same("a secret", "a secret")
    assert not is_same("a secret", "a secret and more")
