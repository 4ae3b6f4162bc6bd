"""What can be set, where it comes from, and what is wrong with it in one line.

An option wins over the environment, the environment over `smokegate.toml`. A key that is not a
setting of smokegate belongs to the suites, which declare theirs as annotated class attributes;
`Settings.extra` carries those keys until the suites are loaded.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import SplitResult, urlsplit

import msgspec

from smokegate import alert_settings
from smokegate.errors import UsageError, did_you_mean
from smokegate.secret_names import SHORTEST_SECRET, is_secret_name
from smokegate.signature import SECRET_PREFIX, key_of

DEFAULT_URL = "http://localhost:8000"
FILE_NAME = "smokegate.toml"
PREFIX = "SMOKEGATE_"
# What a rollback command finds in its environment, and is no setting of the runs that it makes.
TOLD_TO_COMMANDS = frozenset({"run_id", "verdict", "target", "version", "rollback_to"})
# The names that the field uses already, beside SMOKEGATE_<SETTING>.
PLAIN_NAMES = {
    "PRODUCTION_URL": "url",
    "API_TIMEOUT": "timeout_s",
    "TEST_EMAIL": "test_email",
    "TEST_PASSWORD": "test_password",
}
SECRETS = frozenset(
    {
        "test_password",
        "proxy",
        "rollback_command",
        "rollback_webhook",
        "rollback_secret",
        "signing_key",
        "history",
        "metrics_push",
        "token",
        "alert_slack",
        "alert_pagerduty",
        "alert_webhook",
        "alert_webhook_secret",
        "alert_smtp",
        "github_token",
        "github_webhook_secret",
        "broker",
    }
)
_BROKERS = ("redis", "rediss", "amqp", "amqps")  # the schemes of their URLs
_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_LONGEST_HOST = 253  # RFC 1035, 2.3.4, less its two bytes of framing

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
UrlPath = Annotated[str, msgspec.Meta(pattern="^/")]
Wait = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Age = Annotated[float, msgspec.Meta(gt=0, le=31_536_000)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000_000_000)]
Width = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
SampleSize = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Email = Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]
Secret = Annotated[str, msgspec.Meta(min_length=SHORTEST_SECRET)]
SigningKey = Annotated[str, msgspec.Meta(min_length=16)]
Token = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{16,200}$")]  # as a header can hold it
SuiteName = Literal["health", "workflows"]
AlertVerdict = Literal["monitor", "inconclusive", "investigate", "rollback"]
ChannelName = Literal["slack", "pagerduty", "webhook", "email"]


class Sourced(msgspec.Struct, frozen=True):
    """A value with the place it came from, for the error message."""

    value: Any
    source: str


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a run; each attribute is a key of `smokegate.toml`."""

    url: str = DEFAULT_URL
    timeout_s: Seconds = 30.0  # wall clock for one request
    slow_s: Seconds = 5.0  # a reply for which the target takes longer is warned about
    check_grace_s: Seconds = 30.0  # what a check gets beyond its longest request's limit
    run_timeout_s: Seconds = 300.0
    confirm_budget_s: Seconds = 60.0  # for second tries, all together
    cleanup_timeout_s: Seconds = 30.0
    environment: str = "production"
    expect_version: str = ""
    strict: bool = False
    require: tuple[SuiteName, ...] = ("health", "workflows")
    rollback_below: Share = 0.5
    monitor_above: Share = 0.8
    test_email: Email = "smoketest-{uuid}@example.com"
    test_password: Secret = "SmokeTest123!@#"  # noqa: S105 - the documented default, not a secret
    ca_file: str = ""
    proxy: str = ""
    control_addresses: tuple[str, ...] = ()  # "host:port"; they tell our network from the target's
    health_path: UrlPath = "/health"  # asked until the target is ready, and sampled
    version_path: UrlPath | Literal[""] = ""  # where it says its version; empty: health_path
    version_field: str = "version"  # the member of its JSON body, "a.b" for b in a
    wait_s: Wait = 10.0  # how long the target may take to settle; 0: it is not waited for
    settle_connections: Width = 10  # fresh ones at once, which must serve one version
    sample_requests: SampleSize = 200  # 0: no sample
    sample_failures: Width = 3  # as many of them mean that the target fails now and then
    sample_paths: tuple[UrlPath, ...] = ()  # sampled beside health_path, without a token
    max_connections: Count = 64
    max_reply_bytes: Count = 4_194_304  # on the wire
    max_decoded_bytes: Count = 8_388_608  # after decompression
    rollback_command: str = ""  # divided into words as a shell does; none runs it
    rollback_webhook: str = ""  # or a URL that is asked to, by a POST
    rollback_secret: Token = ""  # whsec_... signs that POST, anything else is its bearer token
    rollback_timeout_s: Seconds = 300.0
    history: str = ""  # an SQLAlchemy URL; "none" remembers nothing, empty: a file of the user's
    metrics_folder: str = ""  # of node_exporter's textfile collector
    metrics_push: str = ""  # the URL of a Pushgateway
    deployed_at: str = ""  # when the version that is verified was deployed, in ISO 8601
    deployment: str = ""  # what is acted on only once; empty: the version that was judged
    baseline_max_age_s: Age = 86_400.0
    signing_key: SigningKey = ""  # with which run.json is signed; at least 16 characters
    token: Token = ""  # what `serve` asks those for who write; at least 16 characters
    alert_on: tuple[AlertVerdict, ...] = ("investigate", "rollback")
    alert_slack: str = ""  # the URL of an incoming webhook
    alert_pagerduty: Token = ""  # the integration key of a service, for Events API v2
    alert_pagerduty_url: str = "https://events.pagerduty.com"
    alert_webhook: str = ""  # a URL that gets what Standard Webhooks says
    alert_webhook_secret: str = ""  # whsec_...
    alert_email: tuple[Email, ...] = ()
    alert_email_from: Email = ""
    alert_smtp: str = ""  # smtp://user:password@host:587 (STARTTLS) or smtps://
    alert_remind_after_s: Wait = 0.0  # of an incident that goes on; 0: never
    alert_escalate: tuple[ChannelName, ...] = ()  # which hear only of an incident that goes on
    alert_escalate_after_runs: Width = 3
    alert_escalate_after_s: Wait = 0.0  # 0: the number of runs alone decides
    dashboard_url: str = ""  # where people reach `serve`, for links
    github_api: str = "https://api.github.com"
    github_app_id: str = ""
    github_app_key: str = ""  # the file of the app's private key
    github_token: Secret | Literal[""] = ""  # instead of an app
    github_webhook_secret: SigningKey | Literal[""] = ""
    broker: str = ""  # through which locations are asked
    broker_ca_file: str = ""  # the authority that it is trusted by; empty: the system's
    location_wait_s: Seconds = 60.0  # for a worker to take what a location is asked
    results: str = "tests/smoke/results"
    journal: str = ""  # a folder; empty: the user's state folder
    extra: dict[str, Sourced] = {}
    url_given: bool = False

    @property
    def target(self) -> SplitResult:
        """The parts of the URL."""
        return urlsplit(self.url)

    @property
    def can_roll_back(self) -> bool:
        """Whether there is a way to roll a release back."""
        return bool(self.rollback_command or self.rollback_webhook)

    @property
    def alert_channels(self) -> tuple[str, ...]:
        """The channels that are to be told of incidents."""
        told = alert_settings.CHANNELS if self.alert_on else ()
        return tuple(name for name in told if getattr(self, f"alert_{name}"))

    def public(self) -> dict[str, Any]:
        """What may be shown: every setting but the secrets."""
        shown = {key: getattr(self, key) for key in KEYS if key not in SECRETS}
        return shown | {
            key: sourced.value for key, sourced in self.extra.items() if not is_secret_name(key)
        }


AUTO = "auto"  # as expect_version: what the pipeline says that it deploys
_FIRST_YEAR = 1970
_A_MOMENT = "a moment such as 2026-01-31T12:00:00Z"
# What a person calls what msgspec says was expected.
_WORDS = {
    "`float`": "a number",
    "`int`": "a whole number",
    "`bool`": "true or false",
    "`str`": "text",
    "`array`": "a list",
    "`object`": "a table",
    "text matching regex '^/'": "a path that begins with /",
    "text matching regex '^[!-~]{16,200}$'": "16 to 200 letters, digits and signs, no spaces",
    "text matching regex '^[^@\\\\s]+@[^@\\\\s]+$'": "an address such as name@example.com",
}
KEYS = [key for key in Settings.__struct_fields__ if key not in ("extra", "url_given")]
_TYPES = {field.name: field.type for field in msgspec.structs.fields(Settings)}


def load(
    options: Mapping[str, Any], environ: Mapping[str, str], folder: Path | None = None
) -> Settings:
    """Put the settings together from options, environment and `folder/smokegate.toml`.

    Raises `UsageError` that names the key, where it stands and what was expected.
    """
    found = {**from_file((folder or Path()) / FILE_NAME), **from_environment(environ)}
    found |= _from_options(options)
    expected = found.get("expect_version")
    if expected and expected.value == AUTO:
        found["expect_version"] = _deployed(expected.source, environ, folder or Path())
    return from_sources(found)


def with_options(
    settings: Settings, options: Mapping[str, Any], environ: Mapping[str, str]
) -> Settings:
    """Settings with options over them; raises `UsageError` as `load` does."""
    found = _from_options(options)
    if options.get("expect_version") == AUTO:
        found["expect_version"] = _deployed("--expect-version", environ, Path())
    known = {key: convert(key, each, _TYPES[key]) for key, each in found.items()}
    _refuse_no_moment(known, found)
    if "url" in known:
        known |= {"url": check_url(known["url"], found["url"].source), "url_given": True}
    return msgspec.structs.replace(settings, **known)


def _from_options(options: Mapping[str, Any]) -> dict[str, Sourced]:
    return {
        key: Sourced(value, f"--{key.removesuffix('_s').replace('_', '-')}")
        for key, value in options.items()
        if value is not None
    }


def from_sources(found: Mapping[str, Sourced]) -> Settings:
    """Put the settings together from what was found of each; raises `UsageError` as `load` does."""
    known = {key: convert(key, found[key], _TYPES[key]) for key in KEYS if key in found}
    _refuse_unknown_version(known, found)
    _refuse_crossed_shares(known, found)
    _refuse_blind_sample(known, found)
    _refuse_wrong_addresses(known, found)
    _refuse_no_moment(known, found)
    _refuse_no_gateway(known, found)
    _refuse_wrong_rollback(known, found)
    alert_settings.refuse_wrong(known, {key: each.source for key, each in found.items()})
    _refuse_no_broker(known, found)
    extra = {key: sourced for key, sourced in found.items() if key not in KEYS}
    url = check_url(known["url"], found["url"].source) if "url" in known else DEFAULT_URL
    return Settings(**{**known, "url": url}, extra=extra, url_given="url" in known)


def _deployed(source: str, environ: Mapping[str, str], folder: Path) -> Sourced:
    from smokegate.pipeline import deployed_version

    version = deployed_version(environ, folder)
    if not version:
        raise UsageError(
            f"{source}: auto: neither GitHub, GitLab or Jenkins nor git in this folder says which "
            "version is deployed; give it"
        )
    return Sourced(version, source)


def _refuse_unknown_version(known: Mapping[str, Any], found: Mapping[str, Sourced]) -> None:
    """Refuse `auto` where there is not one pipeline of one target, which would say what it is."""
    if known.get("expect_version") == AUTO:
        source = found["expect_version"].source
        raise UsageError(f"{source}: expect_version: auto is for one target; give the version")


def _refuse_no_moment(known: Mapping[str, Any], found: Mapping[str, Sourced]) -> None:
    if not is_moment(known.get("deployed_at") or "1970-01-01"):
        source = found["deployed_at"].source
        raise UsageError(f"{source}: deployed_at: expected {_A_MOMENT}")


def is_moment(text: str) -> bool:
    """Whether it is a moment of ISO 8601 that every calendar here knows, in UTC too."""
    try:
        return _FIRST_YEAR <= datetime.fromisoformat(text).year < MAXYEAR
    except ValueError:
        return False


def _refuse_no_gateway(known: Mapping[str, Any], found: Mapping[str, Sourced]) -> None:
    """Refuse what is no URL of a Pushgateway; it may hold a password, so it is not repeated."""
    url = known.get("metrics_push") or ""
    scheme, separator, rest = url.partition("://")
    shown = f"{scheme}{separator}{rest.rpartition('@')[2]}"
    split_password = "@" in rest.partition("/")[2]  # what is before the / would be shown as a host
    if url and (split_password or re.search("[?#]", url) or _wrong_with_parts(shown)):
        source = found["metrics_push"].source
        raise UsageError(f"{source}: metrics_push: expected a URL such as http://example.com:9091")


def _refuse_wrong_rollback(known: Mapping[str, Any], found: Mapping[str, Sourced]) -> None:
    """Refuse what could not be asked to roll back; neither address nor secret is repeated."""
    url, secret = known.get("rollback_webhook", ""), known.get("rollback_secret", "")
    if url and ("@" in url or "#" in url or _wrong_with_parts(url.partition("?")[0])):
        source = found["rollback_webhook"].source
        raise UsageError(f"{source}: rollback_webhook: expected a URL such as https://example.com")
    if url and known.get("rollback_command"):
        source = found["rollback_webhook"].source
        raise UsageError(f"{source}: rollback_webhook: there is a rollback_command too; keep one")
    if secret.startswith(SECRET_PREFIX) and not key_of(secret):
        source = found["rollback_secret"].source
        raise UsageError(
            f"{source}: rollback_secret: expected 24 to 64 bytes in base64 after {SECRET_PREFIX}"
        )


def _refuse_no_broker(known: Mapping[str, Any], found: Mapping[str, Sourced]) -> None:
    """Refuse what is no URL of a broker; it may hold a password, so it is not repeated."""
    scheme, _, rest = (known.get("broker") or "redis://localhost").partition("://")
    place = rest.rpartition("@")[2]
    if scheme not in _BROKERS or _wrong_with_url(f"http://{place}"):
        raise UsageError(
            f"{found['broker'].source}: broker: expected a URL such as "
            "rediss://:password@host:6379/0 (Redis, Valkey) or "
            "amqps://user:password@host:5671/vhost (RabbitMQ)"
        )


def convert(key: str, sourced: Sourced, kind: Any) -> Any:
    """Give a setting its type; text from the environment is read as the type wants it."""
    value = sourced.value
    if isinstance(value, str) and getattr(kind, "__origin__", kind) in (list, tuple):
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        return msgspec.convert(value, kind, strict=not isinstance(sourced.value, str))
    except msgspec.ValidationError as error:
        reason = str(error).partition(" - at ")[0]
        if "enum value" in reason:
            reason = f"expected {_choices(kind)}"
        for theirs, ours in _WORDS.items():
            reason = reason.replace(theirs, ours)
        raise UsageError(f"{sourced.source}: {key}: {reason[0].lower()}{reason[1:]}") from None


def _choices(kind: Any) -> str:
    """The words that a list of words may have."""
    return " or ".join(get_args(get_args(kind)[0]))


def refuse_unknown(extra: Mapping[str, Sourced], declared: Iterable[str]) -> None:
    """Raise `UsageError` for the first key that neither smokegate nor a suite declares."""
    names = [*declared, *KEYS]
    for key, sourced in extra.items():
        if key not in names:
            hint = did_you_mean(key, names)
            raise UsageError(f"{sourced.source}: there is no setting {key!r}{hint}")


def check_url(url: str, source: str) -> str:
    """Return the URL of a target without its trailing slash, or say what is wrong with it."""
    text = url.strip()
    wrong = _wrong_with_url(text)
    if wrong:
        raise UsageError(f"{source}: {wrong}")
    scheme, _, rest = text.partition("://")
    return f"{scheme.lower()}://{rest.rstrip('/')}"


def _wrong_with_url(text: str) -> str:
    """Say why a URL cannot be a target; a password in it is not repeated."""
    if "@" in text:
        return "the URL must not hold a user name or a password"
    text, *more = re.split("[?#]", text, maxsplit=1)
    return f"{text!r} must end there, before '?' and '#'" if more else _wrong_with_parts(text)


def _wrong_with_parts(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or " " in text:
        return f"{text!r} holds characters that no URL has; write them as %XX, in a name as xn--"
    try:
        parts = urlsplit(text)
        port = parts.port
        if parts.netloc.endswith(":"):
            return f"{text!r} names no port after ':'"
    except ValueError as error:
        return f"{text!r} is not a URL: {error}"
    if parts.scheme not in ("http", "https"):
        return f"{text!r} must begin with http:// or https://"
    if port == 0 or not _is_host(parts.hostname or ""):
        return f"{text!r} names no host that could be asked"
    return ""


def _is_host(name: str) -> bool:
    if ":" in name:
        try:
            return bool(ipaddress.IPv6Address(name))
        except ValueError:
            return False
    labels = name.removesuffix(".").split(".")
    return len(name) <= _LONGEST_HOST and all(map(_HOST_LABEL.fullmatch, labels))


def _refuse_crossed_shares(known: Mapping[str, Any], found: Mapping[str, Sourced]) -> None:
    lower = known.get("rollback_below", Settings().rollback_below)
    upper = known.get("monitor_above", Settings().monitor_above)
    if lower > upper:
        keys = ("rollback_below", "monitor_above")
        source = next(found[key].source for key in keys if key in found)
        raise UsageError(
            f"{source}: rollback_below ({lower:g}) must not be above monitor_above ({upper:g})"
        )


def _refuse_blind_sample(known: Mapping[str, Any], found: Mapping[str, Sourced]) -> None:
    size = known.get("sample_requests", Settings().sample_requests)
    failures = known.get("sample_failures", Settings().sample_failures)
    if 0 < size < failures:
        keys = ("sample_requests", "sample_failures")
        source = next(found[key].source for key in keys if key in found)
        raise UsageError(
            f"{source}: a sample with sample_requests = {size} can never have sample_failures = "
            f"{failures}; 0 requests take no sample"
        )


def _refuse_wrong_addresses(known: Mapping[str, Any], found: Mapping[str, Sourced]) -> None:
    key = "control_addresses"
    for address in known.get(key, ()):
        if not _is_address(address):
            shown = address.rpartition("@")[2]  # what stands before it may be a password
            raise UsageError(f"{found[key].source}: {key}: {shown!r} is not like host:port")


def _is_address(text: str) -> bool:
    """Whether it is a host and a port and nothing else; IPv6 in brackets."""
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        return False
    return (
        parts.netloc == text and "@" not in text and bool(port) and _is_host(parts.hostname or "")
    )


def from_file(path: Path) -> dict[str, Sourced]:
    """What a `smokegate.toml` sets; nothing if there is none."""
    found = flattened(document(path)) if path.exists() else {}
    return {key: Sourced(value, path.name) for key, value in found.items()}


def document(path: Path) -> dict[str, Any]:
    """What a file in TOML holds; raises `UsageError` where it cannot be read."""
    import tomllib  # most runs have no file

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}") from None


def flattened(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read `[rollback] command` as `rollback_command`; any other table is a suite's own."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict) and any(key.startswith(f"{name}_") for key in KEYS):
            found |= {f"{name}_{key}": part for key, part in value.items()}
        else:
            found[name] = value
    return found


def from_environment(environ: Mapping[str, str]) -> dict[str, Sourced]:
    """What the environment sets; our own names win over those of the field."""
    plain = {key: name for name, key in PLAIN_NAMES.items()}
    own = {name.removeprefix(PREFIX).lower(): name for name in environ if name.startswith(PREFIX)}
    return {
        key: Sourced(readable(environ[name], name), name)
        for names in (plain, own)
        for key, name in names.items()
        if environ.get(name, "").strip() and key not in TOLD_TO_COMMANDS
    }


def readable(value: str, name: str) -> str:
    """Return what the environment has under a name; raises `UsageError` if it is no text."""
    try:
        value.encode()
    except UnicodeEncodeError:  # Python holds bytes that are no text as half surrogates
        raise UsageError(f"{name}: it is not UTF-8") from None
    return value
