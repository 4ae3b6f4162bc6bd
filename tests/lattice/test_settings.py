import re
from pathlib import Path
from typing import Any

import pytest
from lattice.settings import Settings
from pydantic import ValidationError

SECRET = "x" * 32
README = (Path(__file__).parents[2] / "lattice/README.md").read_text(encoding="utf-8")


def complaint(**given: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"dev": True} | given)
    return refused.value.errors(include_url=False)[0]["msg"]


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICE_SECRET", SECRET)
    monkeypatch.setenv("LATTICE_RATE_LIMIT_ANONYMOUS", "7")
    monkeypatch.setenv("LATTICE_VERSION", "9.9.9")
    monkeypatch.setenv("LATTICE_CORS_ORIGINS", "https://a.example, https://b.example ,")
    settings = Settings()
    assert settings.rate_limit_anonymous == 7
    assert settings.version == "9.9.9"
    assert settings.allowed_origins == {"https://a.example", "https://b.example"}
    assert settings.secret.get_secret_value() == SECRET


def test_a_secret_is_required_and_long_enough() -> None:
    assert "LATTICE_SECRET is required" in complaint(dev=False)
    assert "shorter than 32 bytes" in complaint(dev=False, secret="x" * 31)
    assert "shorter than 32 bytes" in complaint(secret="x" * 31)
    assert Settings.model_validate({"secret": "é" * 16})


def test_a_second_secret_is_another_and_long_enough() -> None:
    assert "LATTICE_SECOND_SECRET is shorter" in complaint(secret=SECRET, second_secret="x" * 31)
    assert "nothing would be changed" in complaint(secret=SECRET, second_secret=SECRET)
    settings = Settings.model_validate({"secret": SECRET, "second_secret": "y" * 32})
    assert "y" * 32 not in repr(settings) + str(settings.model_dump())


def test_development_makes_up_a_secret_of_its_own_each_time() -> None:
    secrets = {Settings(dev=True).secret.get_secret_value() for _ in range(3)}
    assert len(secrets) == 3
    assert all(len(secret) >= 32 for secret in secrets)


def test_development_allows_a_local_page_and_production_does_not() -> None:
    assert Settings(dev=True).allowed_origins == {"http://localhost:3000"}
    assert Settings.model_validate({"secret": SECRET}).allowed_origins == frozenset()


def test_the_secret_is_not_shown() -> None:
    settings = Settings.model_validate({"secret": SECRET})
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())


MAIL = {"smtp_url": "smtps://me:secret%2Fword@mail.example.com", "mail_from": "us@example.com"}


def test_a_mail_server_comes_with_a_sender_and_its_password_is_not_shown() -> None:
    for name, value in MAIL.items():
        assert "set together" in complaint(**{name: value})
    settings = Settings.model_validate({"dev": True} | MAIL)
    assert "secret%2Fword" not in repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://mail.example.com:0",
        "smtp://mail example.com",
        "smtp://mail.example.com/folder",
        # Of what is not encoded no part may be taken for a port, nor said.
        "smtp://me:secret/word@mail.example.com",
        "smtp://me:secret#word@mail.example.com",
    ],
)
def test_a_mail_server_is_one(url: str) -> None:
    words = complaint(**MAIL | {"smtp_url": url})
    assert "are supported" in words
    assert "secret" not in words


@pytest.mark.parametrize(
    "sender",
    [
        *("us", "Us <us@example.com>", "us@example.com\nBcc: a@b.example"),
        *("=?utf-8?q?us?=@example.com", "jürgen@example.com"),
    ],
)
def test_a_sender_is_an_address(sender: str) -> None:
    assert "is not an address" in complaint(**MAIL | {"mail_from": sender})


def test_a_page_that_confirms_is_one_and_encrypted() -> None:
    for url in ("app.example.com", "https://", "https://app.example.com/#top", "ftp://a.example/"):
        assert "is not a page" in complaint(confirm_url=url)
    page = {"confirm_url": "http://127.0.0.1:3000/confirm"}
    assert "is https://" in complaint(dev=False, secret=SECRET, **page)
    assert Settings.model_validate({"dev": True} | page).confirm_url == page["confirm_url"]


@pytest.mark.parametrize("origin", ["*", "example.com", "https://example.com/", "https://*/x"])
def test_an_origin_is_an_origin(origin: str) -> None:
    assert "is not an origin" in complaint(cors_origins=origin)


@pytest.mark.parametrize("proxy", ["*", "proxy.example.com", "10.0.0.1/8", "127.0.0.1:80", "::/"])
def test_a_trusted_proxy_is_an_address_or_a_network(proxy: str) -> None:
    assert "is neither an address nor a network" in complaint(trusted_proxies=f"192.0.2.1,{proxy}")
    assert Settings(dev=True, trusted_proxies=("192.0.2.1", "10.0.0.0/8", "::1", "fd00::/8"))


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("sqlite:///lattice.db", "sqlite+aiosqlite:///lattice.db"),
        ("sqlite+aiosqlite:////tmp/lattice.db", "sqlite+aiosqlite:////tmp/lattice.db"),
    ],
)
def test_a_database_is_a_file(given: str, url: str) -> None:
    assert Settings(dev=True, database_url=given).database_url == url


@pytest.mark.parametrize(
    "url", ["lattice.db", "mysql://host/db", "sqlite://", "sqlite:///:memory:"]
)
def test_another_database_is_refused(url: str) -> None:
    assert complaint(database_url=url)


def test_certificate_and_key_come_together_and_exist(tmp_path: Path) -> None:
    there = tmp_path / "file.pem"
    there.touch()
    assert "set together" in complaint(tls_cert=there)
    assert "set together" in complaint(tls_key=there)
    assert "there is no file" in complaint(tls_cert=tmp_path / "missing.pem", tls_key=there)
    assert Settings(dev=True, tls_cert=there, tls_key=there).tls_cert == there


@pytest.mark.parametrize(
    "name",
    [
        "rate_limit_anonymous",
        "rate_limit_session",
        "rate_limit_tenant",
        "login_limit_pair",
        "login_limit_address",
        "login_limit_account",
        "login_window_s",
        "body_limit_bytes",
        "access_token_ttl_s",
        "refresh_token_ttl_s",
        "expiry_interval_s",
        "smoke_account_ttl_s",
        "password_workers",
        "client_timeout_s",
        "connections_max",
        "workers",
    ],
)
@pytest.mark.parametrize("value", [0, -1, "many"])
def test_numbers_are_numbers_above_zero(name: str, value: object) -> None:
    assert complaint(**{name: value})


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    for name, field in Settings.model_fields.items():
        rows = [row for row in README.splitlines() if f"`LATTICE_{name.upper()}`" in row]
        assert rows, name
        if isinstance(field.default, int | float) and field.default is not False:
            assert re.search(rf"\b{field.default}\b", rows[0]), name


def test_no_setting_in_the_readme_is_gone() -> None:
    named = set(re.findall(r"`LATTICE_(\w+)`", README))
    assert named == {name.upper() for name in Settings.model_fields}
