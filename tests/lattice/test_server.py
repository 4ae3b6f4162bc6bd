import json
import re
import signal
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from lattice.server import serve
from smokegate.fault_proxy.certificates import Certificates

from tests.lattice.in_process import CHEAP_PASSWORDS
from tests.lattice.processes import Served, run_lattice
from tests.system.lattice_process import LatticeProcess

CHEAP = {f"LATTICE_{name.upper()}": str(value) for name, value in CHEAP_PASSWORDS.items()}


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"LATTICE_SECRET": ""}, "LATTICE_SECRET is required"),
        ({"LATTICE_DATABASE_URL": "sqlite:////no/such/folder/x.db"}, "unable to open database"),
        (
            {"LATTICE_TLS_CERT": __file__, "LATTICE_TLS_KEY": __file__},
            "LATTICE_TLS_CERT, LATTICE_TLS_KEY: ",
        ),
    ],
    ids=["secret", "database", "certificate"],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    usual: dict[str, str], change: dict[str, str], complaint: str
) -> None:
    ended = run_lattice("serve", "--port", "0", settings=usual | change)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert complaint in ended.stderr


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("SECRET", "not-to-be-seen", "LATTICE_SECRET is shorter than 32 bytes"),
        ("RATE_LIMIT_TENANT", "many", "LATTICE_RATE_LIMIT_TENANT: "),
        ("CORS_ORIGINS", "*", "LATTICE_CORS_ORIGINS: '*' is not an origin"),
        ("DATABASE_URL", "mysql://host/db", "LATTICE_DATABASE_URL: "),
        ("TLS_CERT", "/no/cert.pem", "LATTICE_TLS_CERT: there is no file /no/cert.pem"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    complaint: str,
) -> None:
    monkeypatch.setenv(f"LATTICE_{name}", value)
    assert serve("127.0.0.1", 0, dev=True) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"lattice: {complaint}")
    assert len(shown.err.splitlines()) == 1
    assert "not-to-be-seen" not in shown.err


def test_a_port_in_use_is_one_line_and_exit_code_2(usual: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_lattice("serve", "--port", str(port), settings=usual)
    assert (ended.returncode, ended.stdout) == (2, "")
    line = f"lattice: cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    assert ended.stderr == line


@pytest.fixture
def served(serving: Callable[..., Served]) -> Served:
    return serving(LATTICE_VERSION="7.8.9")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_ends_in_good_order(
    served: Served, number: signal.Signals
) -> None:
    assert re.fullmatch(r"Lattice API 7\.8\.9 ready at http://127\.0\.0\.1:\d+\n", served.line)
    assert httpx2.get(f"{served.url}/version").json() == {"version": "7.8.9"}
    assert served.end(number) == (0, "", "")


def test_a_request_under_way_is_answered_before_the_end(served: Served) -> None:
    account = {"email": "a@example.com", "password": "Long enough", "tenant_name": "a"}
    body = json.dumps(account).encode()
    head = (
        "POST /api/auth/register HTTP/1.1\r\nHost: lattice\r\nExpect: 100-continue\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(served.address) as connection:
        connection.sendall(head.encode())
        # It has begun: the application asks for the body.
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")
        served.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        connection.sendall(body)
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    assert reply.startswith(b"HTTP/1.1 201")
    assert served.ended()[0] == 0


def test_an_idle_connection_does_not_hold_up_the_end(served: Served) -> None:
    with httpx2.Client(base_url=served.url) as client:
        client.get("/health")
        begun_s = time.monotonic()
        assert served.end()[0] == 0
        # It would be kept alive for more than a minute.
        assert time.monotonic() - begun_s < 20


def test_development_needs_no_secret(serving: Callable[..., Served]) -> None:
    served = serving("--dev", LATTICE_SECRET="")
    origin = {"Origin": "http://localhost:3000"}
    reply = httpx2.get(f"{served.url}/health", headers=origin)
    assert reply.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert served.end()[0] == 0


@pytest.mark.long
def test_requests_are_logged_only_if_asked_for(serving: Callable[..., Served]) -> None:
    served = serving(LATTICE_ACCESS_LOG="true")
    secret = "not-to-be-seen"
    headers = {"Authorization": f"Bearer {secret}", "Cookie": secret}
    reply = httpx2.get(f"{served.url}/health?token={secret}", headers=headers)
    _, _, log = served.end()
    (line,) = (json.loads(line) for line in log.splitlines())
    assert (line["event"], line["method"], line["status"]) == ("request", "GET", 200)
    assert (line["path"], line["route"]) == ("/health", "/health")
    assert line["client"] == "127.0.0.1"
    assert line["duration_ms"] > 0
    assert line["request_id"] == reply.headers["x-request-id"]
    assert "not-to-be-seen" not in log


@pytest.mark.long
def test_forwarded_addresses_are_believed_of_trusted_proxies_only(
    serving: Callable[..., Served],
) -> None:
    def remaining(url: str, address: str) -> str:
        reply = httpx2.get(f"{url}/nope", headers={"X-Forwarded-For": address})
        return reply.headers["ratelimit"].split(";")[1]

    def guess(url: str, name: str, forwarded: str) -> list[int]:
        """Try three passwords, each from what is said to be an address of its own."""
        credentials = {"email": f"{name}@example.com", "password": "wrong"}
        names = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP")
        headers = [dict.fromkeys(names, forwarded.format(number)) for number in range(3)]
        return [
            httpx2.post(f"{url}/api/auth/login", json=credentials, headers=each).status_code
            for each in headers
        ]

    waits, goes_on = [401, 401, 429], [401, 401, 401]
    for proxies, expected, guesses in (
        ("192.0.2.9", "r=98", waits),
        ("127.0.0.1", "r=99", goes_on),
    ):
        limits = {"LATTICE_TRUSTED_PROXIES": proxies, "LATTICE_LOGIN_LIMIT_PAIR": "2"}
        served = serving(**limits, **CHEAP)
        assert remaining(served.url, "192.0.2.1") == "r=99"
        assert remaining(served.url, "192.0.2.2") == expected
        assert guess(served.url, "ada", "203.0.113.{}") == guesses
        # Of what a trusted one forwards, only what it has seen itself counts.
        assert guess(served.url, "bob", "203.0.113.{}, 198.51.100.1") == waits


def test_over_tls_it_demands_tls_and_speaks_no_old_version(
    server: LatticeProcess, browser: httpx2.Client
) -> None:
    reply = browser.get("/health")
    assert server.url.startswith("https://127.0.0.1:")
    assert reply.headers["strict-transport-security"].startswith("max-age=")
    assert "server" not in reply.headers
    host, port = server.url.removeprefix("https://").split(":")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection((host, int(port))) as plain, old.wrap_socket(plain) as tls:
        assert tls.version() in {"TLSv1.3", "TLSv1.2"}


def test_a_connection_is_kept_for_the_next_request(browser: httpx2.Client) -> None:
    used = {browser.get("/health").extensions["network_stream"] for _ in range(3)}
    assert len(used) == 1


def test_a_body_that_is_too_large_is_refused_readably(browser: httpx2.Client) -> None:
    body = b"x" * 8_000_000
    reply = browser.post("/api/auth/login", content=body)
    assert reply.status_code == 413
    assert reply.headers["content-type"] == "application/problem+json"
    assert browser.get("/health").status_code == 200


@pytest.mark.long
def test_a_key_with_a_passphrase_is_refused_without_asking(
    usual: dict[str, str], certificates: Certificates, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives import serialization as s

    good = certificates.good()
    key = s.load_pem_private_key(good.key_file.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"passphrase")
        )
    )
    files = {"LATTICE_TLS_CERT": str(good.chain_file), "LATTICE_TLS_KEY": str(locked)}
    ended = run_lattice("serve", "--port", "0", settings=usual | files)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
