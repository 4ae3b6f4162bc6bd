"""`smokegate serve` as it is started, alone and behind a real nginx, and as its guide says."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest
from smokegate.fault_proxy.certificates import Certificates
from smokegate.history.remembering import opened

from tests.gate.history.runs import failing
from tests.system.command import BIN, ENDED_WITHIN_S, ROOT, Commands
from tests.system.nginx import HOW, NGINX, serving
from tests.system.ports import free_port

GUIDE = (ROOT / "docs/dashboard.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
TOKEN = "a-token-of-these-tests"
ALARM = "run-000001"
NAME = "gate.example.com"
HALF_OF_A_REQUEST = (
    b"POST /gate/flagger/rollout HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
    b"Expect: 100-continue\r\n\r\n"
)


class Served:
    """A server that was started: where it is, and what it said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.said = process.stdout.readline()
        found = re.search(r"http://\S+", self.said)
        assert found, process.communicate()
        self.port = int(found[0].rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"


@contextmanager
def serve(
    commands: Commands, *options: str, told_by: signal.Signals = signal.SIGTERM
) -> Iterator[Served]:
    """Start it at a free port; it ends well when it is told to."""
    with commands.start(BIN / "smokegate", "serve", "--port", "0", *options) as process:
        try:
            yield Served(process)
        finally:
            process.send_signal(told_by)
            _, said = process.communicate(timeout=ENDED_WITHIN_S)
            assert (process.returncode, said) == (0, "")


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """Commands with a history that has an alarm."""
    url = f"sqlite:///{tmp_path / 'history.db'}"
    store = opened(url)
    store.remember(failing(1))
    store.close()
    return Commands(tmp_path, {"SMOKEGATE_HISTORY": url})


def test_alone_it_is_for_this_machine_to_read(commands: Commands) -> None:
    with serve(commands, told_by=signal.SIGHUP) as served:
        assert "http://127.0.0.1:" in served.said
        assert httpx2.get(served.url).status_code == 200
        assert httpx2.get(served.url, headers={"host": NAME}).status_code == 421
        assert httpx2.get(f"{served.url}/login").status_code == 404


def test_a_second_signal_ends_it_whatever_holds_it_up(commands: Commands) -> None:
    with commands.start(BIN / "smokegate", "serve", "--port", "0") as process:
        at = ("127.0.0.1", Served(process).port)
        with socket.create_connection(at) as half_of_a_request:
            half_of_a_request.sendall(HALF_OF_A_REQUEST)
            assert b"100 Continue" in half_of_a_request.recv(100)
            while process.poll() is None:
                process.send_signal(signal.SIGINT)  # those within a second are one
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
            _, said = process.communicate()
    ended = "smokegate: SIGINT, the second signal, ended it at once; its runs go on\n"
    assert (process.returncode, said) == (0, ended)


def test_a_token_from_the_environment_is_asked_for(commands: Commands) -> None:
    commands.environment["SMOKEGATE_TOKEN"] = TOKEN
    with serve(commands, "--allowed-host", NAME) as served:
        assert httpx2.get(served.url, headers={"host": NAME}).status_code == 303
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert httpx2.get(f"{served.url}/api/runs", headers=bearer).status_code == 200
        assert httpx2.get(f"{served.url}/api/runs").status_code == 401
    with serve(commands, "--public-read") as served:
        assert httpx2.get(f"{served.url}/api/runs").status_code == 200


def test_who_connects_is_what_counts_not_what_they_say(commands: Commands) -> None:
    said = {"x-user": "ada", "x-forwarded-for": "198.51.100.7", "forwarded": "for=198.51.100.7"}
    with serve(commands, "--user-header", "X-User") as served:
        assert httpx2.get(served.url, headers=said).status_code == 200
    with serve(commands, "--user-header", "X-User", "--trusted-proxy", "198.51.100.7") as served:
        assert httpx2.get(served.url, headers=said).status_code == 403


@pytest.mark.parametrize("token", ["", TOKEN])
def test_who_listens_to_others_is_warned_unless_there_is_a_login(
    commands: Commands, token: str
) -> None:
    commands.environment["SMOKEGATE_TOKEN"] = token
    command = (BIN / "smokegate", "serve", "--port", "0", "--host", "0.0.0.0")
    with commands.start(*command) as process:
        served = Served(process)
        assert httpx2.get(f"{served.url}/health", headers={"host": NAME}).status_code == 200
        process.terminate()
        _, said = process.communicate()
    warned = "smokegate: whoever reaches this address can read the history"
    assert said.startswith(warned) is not bool(token)
    assert said.count("\n") == (not token)


@pytest.mark.parametrize(
    ("environment", "options", "said"),
    [
        ({"SMOKEGATE_TOKEN": "short"}, [], "SMOKEGATE_TOKEN: token: expected 16 to 200 letters"),
        ({"SMOKEGATE_TOKEN": "with a space in its middle"}, [], "SMOKEGATE_TOKEN: token: expected"),
        ({}, ["--trusted-proxy", "0.0.0.0/0"], "is everybody, who could then be any user"),
        ({}, ["--trusted-proxy", "a proxy"], "'a proxy' is not like 10.0.0.5 or 10.0.0.0/8"),
        ({}, ["--user-header", "X User"], "'X User' is not like X-Forwarded-User"),
        ({}, ["--allowed-host", "http://x"], "'http://x' is not like gate.example.com"),
        ({}, ["--port", "70000"], "70000 is not from 0 to 65535"),
        ({"SMOKEGATE_HISTORY": "none"}, [], "history is none: there is nothing to serve"),
    ],
)
def test_what_it_cannot_do_is_said_in_one_line(
    commands: Commands, environment: dict[str, str], options: list[str], said: str
) -> None:
    commands.environment.update(environment)
    done = commands.smokegate("serve", "--port", "0", *options)
    assert done.code == 2
    assert said in done.err.splitlines()[-1]
    for secret in environment.values():
        assert secret == "none" or secret not in done.text


def test_the_curl_lines_of_the_guide_do_what_it_says(commands: Commands) -> None:
    commands.environment["SMOKEGATE_TOKEN"] = TOKEN
    blocks = [each for _, each in BLOCKS if each.startswith("curl")]
    assert len(blocks) == 3
    with serve(commands) as served:
        commands.environment.update(GATE=served.url, RUN=ALARM)
        for block in blocks:
            done = commands("bash", "-euc", block)
            assert done.code == 0, done.text
        bearer = {"authorization": f"Bearer {TOKEN}"}
        marked = httpx2.get(f"{served.url}/api/deployments", headers=bearer).json()
        assert [each["version"] for each in marked["deployments"]] == ["1.4.2"]


def test_the_paths_of_the_guide_are_those_of_the_api() -> None:
    from smokegate.service.api.operations import OPERATIONS

    table = re.findall(r"^\| ((?:`[A-Z]+`, )?`[A-Z]+ /api\S*`) \|", GUIDE, re.MULTILINE)
    told = {
        (method, re.findall(r"/api[^`]*", row)[0])
        for row in table
        for method in re.findall(r"GET|PUT|POST|DELETE", row)
    }
    assert told == {(each.method, each.path) for each in OPERATIONS}


def test_the_guide_has_its_pictures() -> None:
    for name in re.findall(r"\]\((pictures/[^)]+)\)", GUIDE):
        assert (ROOT / "docs" / name).exists(), name


def locations() -> tuple[str, str]:
    """What the guide puts into nginx: in front of a login by token, and with users of its own."""
    with_tls, with_users = (each for language, each in BLOCKS if language == "nginx")
    return with_tls[with_tls.index("    location") : with_tls.rindex("}")], with_users


@contextmanager
def nginx(
    folder: Path, port: int, certificates: Certificates, location: str
) -> Iterator[httpx2.Client]:
    """A real nginx with TLS in front of a port, and a browser that asks it by its name."""
    listens, served = free_port(), certificates.good()
    (folder / "users").write_text("ada:{PLAIN}correct horse\n", encoding="utf-8")
    for theirs, ours in (":9464", f":{port}"), ("/etc/nginx/users", f"{folder}/users"):
        location = location.replace(theirs, ours)
    site = (
        f"server {{ listen 127.0.0.1:{listens} ssl; server_name {NAME};\n"
        f"ssl_certificate {served.chain_file}; ssl_certificate_key {served.key_file};\n"
        f"{location} }}"
    )
    verify = ssl.create_default_context(cafile=certificates.ca_file)
    url, headers = f"https://127.0.0.1:{listens}", {"host": NAME}
    with (
        serving(folder, site, listens),
        httpx2.Client(base_url=url, verify=verify, headers=headers) as client,
    ):
        yield client


def label(client: httpx2.Client, path: str = "") -> httpx2.Response:
    """Label the alarm by the form on its page, as a browser does."""
    page = client.get(f"{path}/run?id={ALARM}").text
    form = re.search(r'name="form" value="([^"]+)"', page)
    assert form, page
    data = {"label": "false-alarm", "form": form[1]}
    headers = {"origin": f"https://{NAME}"}
    return client.post(f"{path}/label?run={ALARM}&next=runs", data=data, headers=headers)


@pytest.mark.skipif(not NGINX, reason=HOW)
@pytest.mark.parametrize("path", ["", "/gate"])
def test_behind_nginx_one_logs_in_by_the_token(
    commands: Commands, certificates: Certificates, path: str
) -> None:
    commands.environment["SMOKEGATE_TOKEN"] = TOKEN
    location = locations()[0].replace("location / {", f"location {path}/ {{")
    location = location.replace(":9464;", ":9464/;") if path else location
    options = ("--allowed-host", NAME, "--trusted-proxy", "127.0.0.1")
    with (
        serve(commands, *options) as served,
        nginx(commands.folder, served.port, certificates, location) as client,
    ):
        asked = client.get(f"{path}/run?id={ALARM}")
        assert (asked.status_code, asked.headers["location"][:11]) == (303, "login?next=")
        data, headers = {"token": TOKEN, "name": "Ada"}, {"origin": f"https://{NAME}"}
        logged_in = client.post(f"{path}/login", data=data, headers=headers)
        assert logged_in.status_code == 303
        assert "; secure" in logged_in.headers["set-cookie"].lower()
        assert client.get(f"{path}/").status_code == 200
        done = label(client, path)
        assert (done.status_code, done.headers["location"]) == (303, "runs")
        assert "by Ada" in client.get(f"{path}/run?id={ALARM}").text
        evil = client.post(f"{path}/label", headers={"origin": "https://evil.example"})
        assert evil.status_code == 403


@pytest.mark.skipif(not NGINX, reason=HOW)
def test_behind_nginx_its_own_users_are_known(
    commands: Commands, certificates: Certificates
) -> None:
    options = ("--allowed-host", NAME, "--user-header", "X-Forwarded-User")
    with serve(commands, *options) as served:
        assert httpx2.get(served.url).status_code == 403
        with nginx(commands.folder, served.port, certificates, locations()[1]) as client:
            client.headers["x-forwarded-user"] = "eve"
            assert client.get("/").status_code == 401, "nginx asks"
            client.auth = httpx2.BasicAuth("ada", "correct horse")
            assert label(client).status_code == 303
            assert "Labelled <b>False alarm</b> by ada" in client.get(f"/run?id={ALARM}").text
