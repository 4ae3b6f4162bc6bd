"""Where settings come from, and what is said when one is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from smokegate.errors import UsageError
from smokegate.settings import (
    DEFAULT_URL,
    KEYS,
    SECRETS,
    Settings,
    Sourced,
    check_url,
    convert,
    load,
    refuse_unknown,
)

DEFAULTS = {
    "timeout_s": 30.0,
    "check_grace_s": 30.0,
    "run_timeout_s": 300.0,
    "confirm_budget_s": 60.0,
    "cleanup_timeout_s": 30.0,
    "strict": False,
    "rollback_below": 0.5,
    "monitor_above": 0.8,
    "max_connections": 64,
    "max_reply_bytes": 4 * 1024 * 1024,
    "max_decoded_bytes": 8 * 1024 * 1024,
    "test_email": "smoketest-{uuid}@example.com",
    "test_password": "SmokeTest123!@#",
}


def write(folder: Path, text: str) -> Path:
    (folder / "smokegate.toml").write_text(text, encoding="utf-8")
    return folder


def complaint(
    options: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    with pytest.raises(UsageError) as caught:
        load(options or {}, environ or {}, folder or Path("/nonexistent"))
    return str(caught.value)


def test_defaults(tmp_path: Path) -> None:
    settings = load({}, {}, tmp_path)
    assert settings == Settings()
    assert settings.url == DEFAULT_URL
    assert not settings.url_given
    assert settings.require == ("health", "workflows")
    assert {key: getattr(settings, key) for key in DEFAULTS} == DEFAULTS


def test_an_option_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'url = "http://file"\ntimeout_s = 1\nstrict = true\nenvironment = "file"\n')
    environ = {"PRODUCTION_URL": "http://environment", "API_TIMEOUT": "2"}
    settings = load({"url": "http://option", "timeout_s": None}, environ, tmp_path)
    assert settings.url == "http://option"
    assert settings.timeout_s == 2.0
    assert (settings.strict, settings.environment) == (True, "file")
    assert settings.url_given


@pytest.mark.parametrize(
    ("name", "value", "key", "expected"),
    [
        ("PRODUCTION_URL", "https://api.example.com/", "url", "https://api.example.com"),
        ("API_TIMEOUT", "1.5", "timeout_s", 1.5),
        ("TEST_EMAIL", "a@example.com", "test_email", "a@example.com"),
        ("TEST_PASSWORD", " with space ", "test_password", " with space "),
        ("SMOKEGATE_STRICT", "true", "strict", True),
        ("SMOKEGATE_STRICT", "0", "strict", False),
        ("SMOKEGATE_MAX_CONNECTIONS", "7", "max_connections", 7),
        ("SMOKEGATE_REQUIRE", "health", "require", ("health",)),
        ("SMOKEGATE_REQUIRE", " health , workflows,", "require", ("health", "workflows")),
        ("SMOKEGATE_ROLLBACK_BELOW", "0.4", "rollback_below", 0.4),
    ],
)
def test_the_environment(name: str, value: str, key: str, expected: object) -> None:
    assert getattr(load({}, {name: value}, Path("/nonexistent")), key) == expected


def test_an_empty_variable_counts_as_unset() -> None:
    settings = load({}, {"PRODUCTION_URL": " ", "API_TIMEOUT": ""}, Path("/nonexistent"))
    assert settings == Settings()


@pytest.mark.parametrize("order", [1, -1])
def test_our_own_name_wins_over_the_one_that_the_field_uses(order: int) -> None:
    pairs = [("PRODUCTION_URL", "http://field"), ("SMOKEGATE_URL", "http://own")][::order]
    assert load({}, dict(pairs), Path("/nonexistent")).url == "http://own"


def test_foreign_variables_are_not_ours() -> None:
    load({}, {"SMOKEGATES": "1", "URL": "nonsense", "smokegate_strict": "?"}, Path("/nonexistent"))


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        ({"API_TIMEOUT": "soon"}, "API_TIMEOUT: timeout_s: expected a number, got text"),
        ({"API_TIMEOUT": "0"}, "API_TIMEOUT: timeout_s: expected a number > 0.0"),
        ({"API_TIMEOUT": "-3"}, "API_TIMEOUT: timeout_s: expected a number > 0.0"),
        ({"API_TIMEOUT": "1e9"}, "API_TIMEOUT: timeout_s: expected a number <= 86400.0"),
        (
            {"SMOKEGATE_STRICT": "perhaps"},
            "SMOKEGATE_STRICT: strict: expected true or false, got text",
        ),
        (
            {"SMOKEGATE_MAX_CONNECTIONS": "1.5"},
            "SMOKEGATE_MAX_CONNECTIONS: max_connections: expected a whole number, got text",
        ),
        (
            {"SMOKEGATE_MAX_CONNECTIONS": "0"},
            "SMOKEGATE_MAX_CONNECTIONS: max_connections: expected a whole number >= 1",
        ),
        (
            {"TEST_EMAIL": "nobody"},
            "TEST_EMAIL: test_email: expected an address such as name@example.com",
        ),
        (
            {"SMOKEGATE_HEALTH_PATH": "health"},
            "SMOKEGATE_HEALTH_PATH: health_path: expected a path that begins with /",
        ),
        (
            {"SMOKEGATE_MONITOR_ABOVE": "1.01"},
            "SMOKEGATE_MONITOR_ABOVE: monitor_above: expected a number <= 1.0",
        ),
    ],
)
def test_an_error_names_key_place_and_expectation(environ: dict[str, str], line: str) -> None:
    assert complaint(environ=environ) == line


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-inf", "Infinity"])
def test_no_number_is_not_a_number_of_seconds(value: str) -> None:
    assert complaint(environ={"API_TIMEOUT": value}).startswith("API_TIMEOUT: timeout_s: expected")


@pytest.mark.parametrize("value", ["nan", "inf", '"4"', "true", "[1]"])
def test_the_file_gives_types_of_its_own(tmp_path: Path, value: str) -> None:
    folder = write(tmp_path, f"check_grace_s = {value}\n")
    if value == '"4"':  # a number in quotes says clearly enough what is meant
        assert load({}, {}, folder).check_grace_s == 4.0
        return
    line = complaint(folder=folder)
    assert line.startswith("smokegate.toml: check_grace_s: expected a number")
    assert "\n" not in line


def test_an_error_in_an_option_names_the_option() -> None:
    assert complaint({"timeout_s": -1.0}).startswith("--timeout: timeout_s: expected")
    assert complaint({"expect_version": 3}).startswith("--expect-version: expect_version: expected")


@pytest.mark.parametrize("text", ["soon", "2026-02-30", "0001-01-01T00:00+14:00", "9999-12-31"])
def test_a_deployment_has_a_moment(text: str) -> None:
    line = complaint({"deployed_at": text})
    assert line == "--deployed-at: deployed_at: expected a moment such as 2026-01-31T12:00:00Z"
    load({"deployed_at": "2026-01-31T12:00:00+02:00"}, {}, Path("/nonexistent"))


def test_metrics_may_have_a_table_of_their_own(tmp_path: Path) -> None:
    folder = write(tmp_path, '[metrics]\nfolder = "/textfiles"\npush = "http://h:9091"\n')
    found = load({}, {}, folder)
    assert (found.metrics_folder, found.metrics_push) == ("/textfiles", "http://h:9091")


@pytest.mark.parametrize(
    "url",
    [
        "gateway",
        "ftp://u:hunter22@h",
        "http://u:hunter22@",
        "http://h?q",
        "http://u:hunt/er22@h",
        "http://u:hunter22/@h",
    ],
)
def test_a_gateway_has_a_url_that_is_not_repeated(url: str) -> None:
    line = complaint(environ={"SMOKEGATE_METRICS_PUSH": url})
    expected = "metrics_push: expected a URL such as http://example.com:9091"
    assert line == f"SMOKEGATE_METRICS_PUSH: {expected}"
    fine = "https://user:hunter22@push.example.com/prefix/"
    known = load({}, {"SMOKEGATE_METRICS_PUSH": fine}, Path("/nonexistent"))
    assert "hunter22" not in str(known.public())


def test_the_shares_must_not_cross() -> None:
    line = complaint(environ={"SMOKEGATE_ROLLBACK_BELOW": "0.9"})
    assert "rollback_below" in line
    assert "monitor_above" in line


@pytest.mark.parametrize(
    "environ",
    [
        {"SMOKEGATE_SAMPLE_REQUESTS": "2"},
        {"SMOKEGATE_SAMPLE_FAILURES": "201"},
        {"SMOKEGATE_SAMPLE_REQUESTS": "20", "SMOKEGATE_SAMPLE_FAILURES": "21"},
    ],
)
def test_a_sample_that_can_never_fail_is_refused(environ: dict[str, str]) -> None:
    line = complaint(environ=environ)
    assert line.startswith(f"{next(iter(environ))}: a sample with sample_requests = ")
    assert load({}, {"SMOKEGATE_SAMPLE_REQUESTS": "0"}, Path("/nonexistent")).sample_requests == 0
    assert load({}, {"SMOKEGATE_SAMPLE_REQUESTS": "3"}, Path("/nonexistent")).sample_requests == 3


def test_the_shares_may_meet() -> None:
    environ = {"SMOKEGATE_ROLLBACK_BELOW": "0.8"}
    assert load({}, environ, Path("/nonexistent")).rollback_below == 0.8


def test_a_suite_that_does_not_exist_cannot_be_required() -> None:
    line = complaint(environ={"SMOKEGATE_REQUIRE": "health,workflow"})
    assert line == "SMOKEGATE_REQUIRE: require: expected health or workflows"


def test_an_address_without_a_host_is_none() -> None:
    assert complaint(environ={"TEST_EMAIL": "nobody"}).startswith("TEST_EMAIL: test_email: ")


def test_a_password_too_short_to_be_redacted_is_refused_and_not_shown() -> None:
    line = complaint(environ={"TEST_PASSWORD": "abc4!"})
    assert line.startswith("TEST_PASSWORD: test_password: expected text of length >= 6")
    assert "abc4!" not in line


def test_a_signing_key_that_is_too_short_is_refused_and_not_shown() -> None:
    line = complaint(environ={"SMOKEGATE_SIGNING_KEY": "fifteen letters"})
    assert line == "SMOKEGATE_SIGNING_KEY: signing_key: expected text of length >= 16"


def test_a_variable_that_is_no_text_is_refused_and_not_shown() -> None:
    value = b"sixteen or more \xff".decode("utf-8", "surrogateescape")
    line = complaint(environ={"SMOKEGATE_SIGNING_KEY": value})
    assert line == "SMOKEGATE_SIGNING_KEY: it is not UTF-8"


@pytest.mark.parametrize(
    "text", ["url = ", "a = 1\na = 2", "\x00", 'url = "http://x\n', "[url", "= 3"]
)
def test_a_file_that_is_no_toml_is_one_line(tmp_path: Path, text: str) -> None:
    line = complaint(folder=write(tmp_path, text))
    assert "smokegate.toml is not TOML: " in line
    assert "\n" not in line


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "smokegate.toml").mkdir()
    assert "smokegate.toml cannot be read: " in complaint(folder=tmp_path)


def test_a_file_in_another_encoding_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "smokegate.toml").write_bytes(b'environment = "\xff"')
    assert "smokegate.toml cannot be read: " in complaint(folder=tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "http://localhost:8000",
        "https://api.example.com/base/path",
        "https://[2001:db8::1]:8443",
        "http://127.0.0.1",
        "http://xn--bcher-kva.example",
        "http://" + ".".join(["a" * 62] * 4) + ".b",
    ],
)
def test_good_urls(url: str) -> None:
    assert check_url(url, "x") == url
    assert check_url(f" {url}/ ", "x") == url


def test_a_scheme_is_the_same_in_any_case() -> None:
    assert check_url("HTTPS://API.example.com/Base", "x") == "https://API.example.com/Base"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "//localhost",
        "ftp://localhost",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///path",
        "http://:80",
        "http://localhost:0",
        "http://localhost:",
        "http://[2001:db8::1]:",
        "http://localhost:99999",
        "http://localhost:port",
        "http://[::1",
        "http://[not-an-address]",
        "http://a b",
        "http://a\tb",
        "http://exa\nmple.com",
        "http://example.com\r\nX-Evil: 1",
        "http://example.com/\x00",
        "http://example.com/\x1b[31m",
        "http://example.com/a b",
        "http://example.com\\@evil.example",
        "http://example.com?",
        "http://example.com/?",
        "http://example.com/?a=1",
        "http://example.com/#",
        "http://example.com/#a",
        "http://user@example.com",
        "http://user:password@example.com",
        "http://example.com:80:80",
        "http://b\u00fccher.example",
        "http://example.com/\ud800",
        "http://" + "a" * 300,
        "http://a..b",
        "http://" + ".".join(["a" * 62] * 4) + ".bc",
        "http://[v1.a:b]",
        "http://.example.com",
    ],
)
def test_hostile_urls_are_refused_in_one_line(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url, "PRODUCTION_URL")
    line = str(caught.value)
    assert line.startswith("PRODUCTION_URL: ")
    assert line.isprintable()
    line.encode()


@pytest.mark.parametrize(
    "url",
    [
        "http://admin:Gehe1mnis@example.com",
        "ftp://admin:Gehe1mnis@example.com",
        "http://admin:Gehe1mnis@example.com:99999",
        "http://admin:Gehe1mnis@[::1",
        "admin:Gehe1mnis@example.com",
    ],
)
def test_a_password_in_a_url_is_not_repeated(url: str) -> None:
    assert "Gehe1mnis" not in complaint({"url": url})


def test_unknown_keys_wait_for_the_suites() -> None:
    settings = load({}, {"SMOKEGATE_REDIS": "required"}, Path("/nonexistent"))
    assert settings.extra == {"redis": Sourced("required", "SMOKEGATE_REDIS")}
    refuse_unknown(settings.extra, ["redis"])


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("timeout", "x: there is no setting 'timeout'; did you mean timeout_s?"),
        ("strickt", "x: there is no setting 'strickt'; did you mean strict?"),
        ("rediss", "x: there is no setting 'rediss'; did you mean redis?"),
        ("qqqqqq", "x: there is no setting 'qqqqqq'"),
        ("url_given", "x: there is no setting 'url_given'"),
        ("extra", "x: there is no setting 'extra'"),
    ],
)
def test_unknown_keys_are_refused_with_a_suggestion(key: str, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_unknown({key: Sourced(1, "x")}, ["redis"])
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("a, b", list[str], ["a", "b"]),
        ("1,2", tuple[int, ...], (1, 2)),
        ("3", int, 3),
        ("3", str, "3"),
        ("", list[str], []),
        (["a"], list[str], ["a"]),
        ("0.5", float, 0.5),
        (1, float, 1.0),
    ],
)
def test_text_is_read_as_the_type_wants_it(value: object, kind: Any, expected: object) -> None:
    assert convert("key", Sourced(value, "x"), kind) == expected


def test_a_wrong_type_in_a_list_is_one_line() -> None:
    with pytest.raises(UsageError) as caught:
        convert("ports", Sourced("1,b", "SMOKEGATE_PORTS"), list[int])
    assert str(caught.value) == "SMOKEGATE_PORTS: ports: expected a whole number, got text"


def test_what_is_shown_holds_no_secret() -> None:
    settings = load(
        {},
        {
            "TEST_PASSWORD": "Gehe1mnis!",
            "SMOKEGATE_PROXY": "http://me:Gehe1mnis!@proxy",
            "SMOKEGATE_WEBHOOK_SECRET": "Gehe1mnis!",
            "SMOKEGATE_REDIS": "required",
        },
        Path("/nonexistent"),
    )
    shown = settings.public()
    assert "Gehe1mnis!" not in repr(shown)
    assert shown["redis"] == "required"
    assert set(KEYS) - SECRETS <= shown.keys()


def test_the_target_in_parts() -> None:
    target = Settings(url="https://api.example.com:8443/base").target
    assert (target.scheme, target.hostname, target.port) == ("https", "api.example.com", 8443)


@pytest.mark.parametrize(
    "address", ["one.one.one.one:443", "192.0.2.1:80", "[2001:db8::1]:53", "localhost:1"]
)
def test_control_addresses_are_hosts_with_ports(address: str) -> None:
    settings = load({}, {"SMOKEGATE_CONTROL_ADDRESSES": f"{address}, example.com:443"})
    assert settings.control_addresses == (address, "example.com:443")


@pytest.mark.parametrize(
    "address",
    [
        *("example.com", "example.com:", ":443", "example.com:0", "example.com:65536", "a b:1"),
        *("http://example.com:443", "user:secret@example.com:443", "example.com:443/"),
        *("2001:db8::1:5", "[::1:443", "example.com:https", "-:1", "exämple.com:1"),
    ],
)
def test_control_addresses_of_another_form_are_refused_in_one_line(address: str) -> None:
    with pytest.raises(UsageError) as raised:
        load({}, {"SMOKEGATE_CONTROL_ADDRESSES": address})
    shown = address.removeprefix("user:secret@")
    assert str(raised.value) == (
        f"SMOKEGATE_CONTROL_ADDRESSES: control_addresses: {shown!r} is not like host:port"
    )


def test_a_table_of_the_file_is_the_same_as_its_keys_in_full(tmp_path: Path) -> None:
    write(tmp_path, '[rollback]\ncommand = "undo --now"\ntimeout_s = 5\n')
    settings = load({}, {}, tmp_path)
    assert (settings.rollback_command, settings.rollback_timeout_s) == ("undo --now", 5.0)


def test_a_table_that_is_not_ours_stays_one(tmp_path: Path) -> None:
    write(tmp_path, "[limits]\nusers = 3\n")
    assert load({}, {}, tmp_path).extra["limits"].value == {"users": 3}


def test_a_wrong_key_in_a_table_is_named_in_full(tmp_path: Path) -> None:
    write(tmp_path, '[rollback]\ncomand = "undo"\n')
    extra = load({}, {}, tmp_path).extra
    with pytest.raises(UsageError, match=r"'rollback_comand'; did you mean rollback_command\?"):
        refuse_unknown(extra, [])


@pytest.mark.parametrize("name", ["RUN_ID", "VERDICT", "TARGET", "VERSION", "ROLLBACK_TO"])
def test_what_a_rollback_command_is_told_is_no_setting(name: str, tmp_path: Path) -> None:
    assert load({}, {f"SMOKEGATE_{name}": "x"}, tmp_path).extra == {}


def test_the_rollback_command_is_not_shown() -> None:
    assert "rollback_command" not in Settings(rollback_command="undo --key=abcdef").public()
