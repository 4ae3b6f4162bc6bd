"""What the tutorial and the READMEs show runs as it stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.system.command import BIN, ROOT, Commands

TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")


def code_blocks(text: str, language: str) -> list[str]:
    """The blocks of a language in a Markdown text."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


class Service(BaseHTTPRequestHandler):
    """The service of the tutorial: health, accounts, login."""

    protocol_version = "HTTP/1.1"
    accounts: set[str]

    def do_GET(self) -> None:
        if self.path == "/accounts/me":
            self.reply(200, {"email": "the one of the token"})
        else:
            self.reply(200, {"status": "healthy", "version": "1.0"})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/accounts":
            self.accounts.add(sent["email"])
            self.reply(201, {"token": sent["email"]})
        elif sent["email"] in self.accounts:
            self.reply(200, {"token": sent["email"]})
        else:
            self.reply(401, {"detail": "who?"})

    def do_DELETE(self) -> None:
        self.accounts.remove(self.headers["Authorization"].removeprefix("Bearer "))
        self.reply(200, {})

    def reply(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[tuple[str, set[str]]]:
    """The URL of the tutorial's service, and the accounts that it has."""
    handler = type("Fresh", (Service,), {"accounts": set()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler.accounts  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def test_the_tutorial_ends_with_a_gate(tmp_path: Path, service: tuple[str, set[str]]) -> None:
    url, accounts = service
    health, resources, workflow = code_blocks(TUTORIAL, "python")
    (settings,) = code_blocks(TUTORIAL, "toml")
    suites = tmp_path / "tests/smoke"
    suites.mkdir(parents=True)
    (suites / "test_production_health.py").write_text(health)
    (tmp_path / "smokegate.toml").write_text(settings)
    commands = Commands(tmp_path)
    run = ["sh", "-c", f"cd {tmp_path} && {BIN}/smokegate run --url {url}"]
    first = commands(*run)
    assert first.code == 0, first.text
    assert "PROCEED: the one check that applies passed" in first.out

    (suites / "resources.py").write_text(resources)
    (suites / "test_critical_workflows.py").write_text(workflow)
    (tmp_path / "smokegate.toml").write_text(settings.replace('require = ["health"]\n', ""))
    second = commands(*run)
    assert second.code == 0, second.text
    assert "PROCEED: all 2 checks" in second.out
    assert commands.last_run.resources[0].name == "token"
    assert not accounts


@pytest.mark.parametrize("readme", ["README.md", "smokegate/README.md"])
def test_the_checks_of_a_readme_can_be_loaded(tmp_path: Path, readme: str) -> None:
    (block,) = code_blocks((ROOT / readme).read_text(encoding="utf-8"), "python")
    (tmp_path / "test_suite.py").write_text(block)
    for name in ("contract.py", "resources.py"):
        (tmp_path / name).write_text((ROOT / "tests/smoke" / name).read_text())
    done = Commands(tmp_path).smokegate("run", "--list", tmp_path / "test_suite.py")
    assert done.code == 0, done.text


def test_commands_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
        assert f"\n{target}:" in (ROOT / "Makefile").read_text()
    for path in re.findall(r"^(?:\./|\.venv/)(\S+)", text, re.MULTILINE):
        assert (ROOT / path).exists() or (BIN / Path(path).name).exists(), path
    for link in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (ROOT / link).exists(), link
