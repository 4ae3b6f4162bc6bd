"""A small GitHub: takes what its REST documentation takes, and refuses the rest as it does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from jsonschema import Draft202012Validator

# https://docs.github.com/en/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run
_COMMENT = {
    "environment_name": {"type": "string"},
    "comment": {"type": "string", "maxLength": 1024},
}
_RULE = {
    "type": "object",
    "oneOf": [
        {
            "properties": _COMMENT,
            "required": ["environment_name", "comment"],
            "additionalProperties": False,
        },
        {
            "properties": {**_COMMENT, "state": {"enum": ["approved", "rejected"]}},
            "required": ["environment_name", "state"],
            "additionalProperties": False,
        },
    ],
}
# https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status
_STATUS = {
    "type": "object",
    "properties": {
        "state": {
            "enum": [
                "error",
                "failure",
                "inactive",
                "in_progress",
                "queued",
                "pending",
                "success",
            ]
        },
        "target_url": {"type": "string"},
        "log_url": {"type": "string"},
        "description": {"type": "string", "maxLength": 140},
        "environment": {"type": "string"},
        "environment_url": {"type": "string"},
        "auto_inactive": {"type": "boolean"},
    },
    "required": ["state"],
    "additionalProperties": False,
}
INSTALLATION_TOKEN = "ghs_of-installation-7"


class SmallGitHub:
    """Remembers what it was told; `before` are replies that come first, each once."""

    def __init__(self, public_key: bytes = b"", token: str = INSTALLATION_TOKEN) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.before: list[tuple[int, dict[str, str], str]] = []
        self.asked = 0
        self.public_key = public_key
        self.token = token
        self.url = ""

    def answer(self, method: str, path: str, authorization: str, body: Any) -> tuple[int, Any]:
        """The status and the body of a reply."""
        token = authorization.removeprefix("Bearer ")
        if path in ("/app/installations/7/access_tokens", "/repos/o/r/installation"):
            claims = jwt.decode(token, self.public_key, algorithms=["RS256"])
            if claims["iss"] != "4711" or claims["exp"] - claims["iat"] > 600:
                return 401, {"message": "A JSON web token could not be decoded"}
            if method == "GET":
                return 200, {"id": 7}
            return 201, {"token": self.token, "expires_at": "2026-11-29T23:59:59Z"}
        if token != self.token:
            return 401, {"message": "Bad credentials"}
        schema = _STATUS if path.endswith("/statuses") else _RULE
        if not Draft202012Validator(schema).is_valid(body):
            return 422, {"message": "Validation Failed"}
        self.told.append((path, body))
        return (201, {"id": 1}) if schema is _STATUS else (204, None)


@contextmanager
def small_github(there: SmallGitHub) -> Iterator[SmallGitHub]:
    """Let it listen."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            there.asked += 1
            headers: dict[str, str] = {}
            status: int
            told: Any
            if there.before:
                status, headers, message = there.before.pop(0)
                told = {"message": message}
            else:
                given = json.loads(content) if content else None
                authorization = self.headers.get("authorization", "")
                status, told = there.answer(self.command, self.path, authorization, given)
            reply = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def do_GET(self) -> None:
            self._do()

        def do_POST(self) -> None:
            self._do()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        there.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield there
        finally:
            server.shutdown()
            thread.join()
