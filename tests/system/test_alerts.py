"""Alerts as users get them: whole runs against a service that fails and recovers, and the guide."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from smokegate.settings import load

from tests.gate.notify.mail_server import MailServer, mail_server
from tests.gate.notify.others import HOOK, ROUTING_KEY, SECRET, Answer, Others, others
from tests.system.command import ROOT, UNSAMPLED, Commands

GUIDE = (ROOT / "docs/alerts.md").read_text(encoding="utf-8")
SUITE = '''
from smokegate import Client, HealthSuite, expect


class TestProductionHealth(HealthSuite):
    async def test_things(self, client: Client) -> None:
        """Things are there."""
        expect(await client.get("/things")).status(200)
'''


@dataclass
class Service:
    """A service with a version, which may be broken."""

    url: str = ""
    version: str = "1.4.1"
    is_broken: bool = False


@pytest.fixture
def service() -> Iterator[Service]:
    there = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = json.dumps({"version": there.version, "detail": "<!channel> is broken"}).encode()
            self.send_response(500 if there.is_broken and self.path == "/things" else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        there.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield there
        server.shutdown()
        thread.join()


@pytest.fixture
def told() -> Iterator[Others]:
    with others() as there:
        yield there


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as there:
        yield there


@pytest.fixture
def here(tmp_path: Path, service: Service, told: Others, mail: MailServer) -> Commands:
    """Commands with every channel, and one suite."""
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "test_health.py").write_text(SUITE)
    settings = {
        "PRODUCTION_URL": service.url,
        "SMOKEGATE_REQUIRE": "health",
        "SMOKEGATE_WAIT_S": "0.5",
        "SMOKEGATE_HISTORY": f"sqlite:///{tmp_path / 'history.db'}",
        "SMOKEGATE_DASHBOARD_URL": "https://gate.example.com/",
        "SMOKEGATE_ALERT_SLACK": f"{told.url}{HOOK}",
        "SMOKEGATE_ALERT_PAGERDUTY": ROUTING_KEY,
        "SMOKEGATE_ALERT_PAGERDUTY_URL": told.url,
        "SMOKEGATE_ALERT_WEBHOOK": f"{told.url}/hook",
        "SMOKEGATE_ALERT_WEBHOOK_SECRET": SECRET,
        "SMOKEGATE_ALERT_SMTP": f"smtp://127.0.0.1:{mail.port}",
        "SMOKEGATE_ALERT_EMAIL": "on-call@example.com",
        "SMOKEGATE_ALERT_EMAIL_FROM": "gate@example.com",
    }
    return Commands(tmp_path, settings | UNSAMPLED)


def test_an_incident_from_its_beginning_to_its_end(
    here: Commands, service: Service, told: Others, mail: MailServer, tmp_path: Path
) -> None:
    def verify(code: int) -> None:
        done = here.smokegate("run", tmp_path / "suites")
        assert (done.code, done.err) == (code, ""), done.text

    verify(0)
    service.is_broken, service.version = True, "1.4.2"
    told.answers = {HOOK: [Answer(429, "", (("Retry-After", "1"),))]}
    verify(20)
    verify(20)
    failed = here.last_run
    service.is_broken, service.version = False, "1.4.1"
    verify(0)
    assert told.actions == ["trigger", "resolve"]
    assert [each["payload"]["summary"].split(". ")[0] for each in told.changes] == [
        f"{service.url} (production): version 1.4.2 after 1.4.1",
        f"{service.url} (production): version 1.4.1 after 1.4.2",
    ]
    assert told.types == ["incident.opened", "incident.resolved"]
    of_it = f"{service.url} (production)"
    assert [each.split(": ")[:2] for each in told.titles] == [
        [f"✗ {of_it}", "ROLLBACK"],
        [f"✓ {of_it}", "Resolved, PROCEED"],
    ]
    assert "&lt;!channel&gt;" in json.dumps(told.slack[0]), "what the target said is text"
    assert "Since the last good run" in json.dumps(told.slack[0])
    assert [str(each["Subject"]).strip().split(": ")[:2] for each in mail.messages] == [
        [f"[smokegate] {of_it}", "ROLLBACK"],
        [f"[smokegate] {of_it}", "Resolved, PROCEED"],
    ]
    link = told.pagerduty[0]["links"][0]["href"]
    assert re.fullmatch(r"https://gate\.example\.com/run\?id=\d{8}-\d{6}-[0-9a-f]{6}", link)
    left = b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
    assert failed.run_id.encode() in left
    for secret in (HOOK, ROUTING_KEY, SECRET):
        assert secret.encode() not in left


def test_every_channel_can_be_tried(here: Commands, told: Others) -> None:
    told.answers = {
        "/v2/enqueue": [
            Answer(400, '{"status":"invalid event","errors":["\'routing_key\' is invalid"]}')
        ]
    }
    done = here.smokegate("notify", "test")
    assert (done.code, done.err) == (1, "")
    shown = re.search(r"^✓ slack.*?^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert shown is not None
    for line in shown[0].splitlines()[:-1]:
        assert line in done.out.splitlines()


@pytest.mark.parametrize("number", range(len(re.findall("^```toml", GUIDE, re.MULTILINE))))
def test_what_the_guide_sets_can_be_set(number: int, tmp_path: Path) -> None:
    block = re.findall(r"^```toml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)[number]
    if "escalate" in block:  # of a channel that another block sets
        block += 'pagerduty = "0123456789abcdef"\n'
    (tmp_path / "smokegate.toml").write_text(block)
    settings = load({}, {}, tmp_path)
    assert settings.alert_channels
    assert not settings.extra
