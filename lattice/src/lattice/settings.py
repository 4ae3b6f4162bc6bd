"""What an operator can set: every field is read from the environment variable `LATTICE_<NAME>`."""

import re
import secrets
from importlib.metadata import version as installed_version
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, PositiveFloat, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from starlette.requests import HTTPConnection

from lattice.mail_addresses import validated

SECRET_BYTES_MIN = 32
# Up to four days, two on average: each pause is random, up to these.
PAUSES_S = (5, 60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, 86_400)
DEV_ORIGIN = "http://localhost:3000"


class Settings(BaseSettings):
    """The settings of one process; frozen once read.

    Raises pydantic's `ValidationError` for a value that cannot be used, so that a service
    never starts on a misunderstood setting.
    """

    model_config = SettingsConfigDict(
        env_prefix="LATTICE_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    dev: bool = Field(default=False, description="Development: a secret is made up when none is.")
    secret: SecretStr = Field(
        default=SecretStr(""), description="Key that signs tokens, 32 bytes or more. Required."
    )
    second_secret: SecretStr = Field(
        default=SecretStr(""),
        description="Key whose tokens are taken too while keys are changed; it signs none.",
    )
    version: str = Field(
        default_factory=lambda: installed_version("lattice-api"),
        min_length=1,
        description="Version that is served; by default the installed one.",
    )
    database_url: str = Field(
        default="sqlite+aiosqlite:///lattice.db",
        description="Where the data lies: a file of SQLite or a database of PostgreSQL.",
        repr=False,
    )
    redis_url: str | None = Field(
        default=None,
        description="Redis, in which all processes count, and note ended sessions.",
        repr=False,
    )
    tls_cert: Path | None = Field(default=None, description="Certificate chain, PEM.")
    tls_key: Path | None = Field(default=None, description="Private key, PEM.")
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Addresses whose X-Forwarded-* are believed, comma-separated."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of browsers that may call, comma-separated."
    )
    body_limit_bytes: int = Field(
        default=1_048_576, gt=0, description="Largest request body taken."
    )
    client_timeout_s: float = Field(
        default=30,
        gt=0,
        description="Time in which a request has to be there whole, and a reply has to be read on.",
    )
    connections_max: int = Field(
        default=1000, gt=0, description="Connections of one process; more are asked to come back."
    )
    workers: int = Field(
        default=1, gt=0, description="Processes that serve; several count in Redis."
    )
    drain_s: float = Field(
        default=0,
        ge=0,
        description="Time after SIGTERM in which it serves on and says that it is not ready.",
    )
    rate_limit_anonymous: int = Field(
        default=100, gt=0, description="Requests a minute of an address without a valid token."
    )
    rate_limit_session: int = Field(
        default=120, gt=0, description="Requests a minute of one session."
    )
    rate_limit_tenant: int = Field(
        default=600, gt=0, description="Requests a minute of all sessions of a tenant."
    )
    login_limit_pair: int = Field(
        default=10, gt=0, description="Failed logins of one address at one account in a window."
    )
    login_limit_address: int = Field(
        default=100,
        gt=0,
        description="Failed logins and registrations of one address in a window.",
    )
    login_limit_account: int = Field(
        default=30,
        gt=0,
        description="Failed logins at one account in a window; then each address has but one.",
    )
    login_window_s: int = Field(
        default=900, gt=0, description="Time in which failed logins are counted."
    )
    access_token_ttl_s: int = Field(default=900, gt=0, description="Life of an access token.")
    refresh_token_ttl_s: int = Field(
        default=1_209_600, gt=0, description="Life of a session that is not refreshed."
    )
    password_time_cost: int = Field(default=3, ge=1, description="Argon2id passes.")
    password_memory_kib: int = Field(default=65_536, ge=8, description="Argon2id memory.")
    password_lanes: int = Field(default=4, ge=1, description="Argon2id lanes.")
    password_workers: int = Field(default=2, ge=1, description="Passwords hashed at once.")
    smoke_account_ttl_s: int = Field(
        default=86_400, gt=0, description="Life of an account registered with X-Smoke-Test."
    )
    expiry_interval_s: float = Field(
        default=600, gt=0, description="Time between two removals of expired accounts."
    )
    search_workers: int = Field(default=2, ge=1, description="Path searches done at once.")
    search_timeout_s: float = Field(
        default=5, gt=0, description="Time that one search gets, its wait for others included."
    )
    search_cells_max: int = Field(
        default=10_000_000, gt=0, description="Cells of the largest lattice that is searched."
    )
    webhooks_allow_private: bool | None = Field(
        default=None,
        description="Deliver to this machine and private networks, and over http; "
        "by default only with --dev.",
    )
    webhook_timeout_s: float = Field(
        default=5, gt=0, description="Time that a receiver gets to answer a delivery."
    )
    webhook_pauses_s: Annotated[tuple[PositiveFloat, ...], NoDecode] = Field(
        default=PAUSES_S,
        description="Longest pause in seconds after each attempt to deliver that failed, "
        "comma-separated; after the last one the delivery is given up.",
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="Mail server. With one, an account is made when its address is confirmed.",
    )
    mail_from: str | None = Field(default=None, description="Address that mails come from.")
    confirm_url: str | None = Field(
        default=None,
        description="Page that a mail leads to, the token behind a #; by default it has the token.",
    )
    access_log: bool = Field(default=False, description="Log every request.")

    @field_validator("cors_origins", "trusted_proxies", "webhook_pauses_s", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_named(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            # Credentials are allowed, so a wildcard would open every account to every page.
            if not origin.startswith(("http://", "https://")) or origin.count("/") != len("//"):
                msg = f"{origin!r} is not an origin such as https://app.example.com"
                raise ValueError(msg)
        return origins

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError as error:
                # With a wildcard, everyone could say where they come from.
                msg = f"{proxy!r} is neither an address nor a network such as 10.0.0.0/8"
                raise ValueError(msg) from error
        return proxies

    @field_validator("database_url")
    @classmethod
    def _database_is_known(cls, url: str) -> str:
        scheme, separator, rest = url.partition("://")
        if scheme in {"postgresql", "postgres", "postgresql+asyncpg"} and rest:
            _demand("asyncpg", "PostgreSQL", "postgres")
            return f"postgresql://{rest}"
        if not separator or scheme not in {"sqlite", "sqlite+aiosqlite"}:
            msg = "only sqlite:///FILE and postgresql://USER:PASSWORD@HOST/NAME are supported"
            raise ValueError(msg)
        # In memory every connection would have a database of its own.
        if rest in {"", "/"} or ":memory:" in rest or "mode=memory" in rest:
            msg = "an in-memory database cannot be shared by connections: name a file"
            raise ValueError(msg)
        return f"sqlite+aiosqlite://{rest}"

    @field_validator("redis_url")
    @classmethod
    def _redis_is_known(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not url.startswith(("redis://", "rediss://", "unix://")):
            msg = "only redis://, rediss:// and unix:// are supported"
            raise ValueError(msg)
        _demand("redis", "Redis", "redis")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _mail_server_is_known(cls, url: SecretStr | None) -> SecretStr | None:
        # What is wrong with it is not said in the words of a library: they may quote a password.
        if url is not None and not _is_mail_server(url.get_secret_value()):
            msg = "only smtp://USER:PASSWORD@HOST and smtps://USER:PASSWORD@HOST are supported"
            raise ValueError(msg)
        return url

    @field_validator("mail_from")
    @classmethod
    def _sender_is_an_address(cls, address: str | None) -> str | None:
        if address is None:
            return None
        msg = f"{address!r} is not an address such as no-reply@example.com"
        try:
            checked = validated(address)
        except ValueError as error:
            raise ValueError(msg) from error
        # Every mail has it: no server may take it for too new.
        if checked.ascii_email is None:
            raise ValueError(msg)
        return checked.ascii_email

    @field_validator("confirm_url")
    @classmethod
    def _page_is_a_page(cls, url: str | None) -> str | None:
        is_page = url is None or re.fullmatch(r"https?://[^\s#/?]+[^\s#]*", url)
        if not is_page:
            msg = f"{url!r} is not a page such as https://app.example.com/confirm"
            raise ValueError(msg)
        return url

    @field_validator("tls_cert", "tls_key")
    @classmethod
    def _file_exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            msg = f"there is no file {path}"
            raise ValueError(msg)
        return path

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            msg = "LATTICE_TLS_CERT and LATTICE_TLS_KEY are set together or not at all"
            raise ValueError(msg)
        if (self.smtp_url is None) != (self.mail_from is None):
            msg = "LATTICE_SMTP_URL and LATTICE_MAIL_FROM are set together or not at all"
            raise ValueError(msg)
        if self.confirm_url and self.confirm_url.startswith("http:") and not self.dev:
            msg = "LATTICE_CONFIRM_URL is https://, except with --dev: passwords are typed there"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _secrets_can_sign(self) -> Self:
        secret, second = self.secret.get_secret_value(), self.second_secret.get_secret_value()
        if not secret and not self.dev:
            msg = (
                f"LATTICE_SECRET is required ({SECRET_BYTES_MIN} bytes or more), except with --dev"
            )
            raise ValueError(msg)
        for name, value in (("LATTICE_SECRET", secret), ("LATTICE_SECOND_SECRET", second)):
            if value and len(value.encode()) < SECRET_BYTES_MIN:
                msg = f"{name} is shorter than {SECRET_BYTES_MIN} bytes"
                raise ValueError(msg)
        if second == secret:
            msg = "LATTICE_SECOND_SECRET is LATTICE_SECRET: nothing would be changed"
            raise ValueError(msg)
        if self.workers > 1 and self.redis_url is None:
            msg = (
                "LATTICE_WORKERS: several processes count rate limits together in Redis: "
                "set LATTICE_REDIS_URL"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="before")
    @classmethod
    def _development(cls, values: dict[str, object]) -> dict[str, object]:
        if values.get("dev") and not values.get("secret"):
            return values | {"secret": secrets.token_urlsafe(SECRET_BYTES_MIN)}
        return values

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Origins that CORS allows: those that are set, and in development a local page too."""
        return frozenset(self.cors_origins) | ({DEV_ORIGIN} if self.dev else frozenset())

    @property
    def allows_private_receivers(self) -> bool:
        """Whether webhooks may name this machine and private networks."""
        return self.dev if self.webhooks_allow_private is None else self.webhooks_allow_private


def _is_mail_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_bare = parts.path in {"", "/"} and not parts.query and not parts.fragment
    has_host = bool(re.fullmatch(r"\S+", parts.hostname or ""))
    return parts.scheme in {"smtp", "smtps"} and has_host and port != 0 and is_bare


def _demand(package: str, what: str, extra: str) -> None:
    if find_spec(package) is None:
        msg = f"{what} needs the package {package}: install lattice-api[{extra}]"
        raise ValueError(msg)


def settings_of(request: HTTPConnection) -> Settings:
    """Return the settings of the application that serves this request."""
    settings: Settings = request.app.state.settings
    return settings
