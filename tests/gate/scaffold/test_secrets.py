"""What is secret in a recording stays there, whatever it is called and wherever it stands."""

from __future__ import annotations

import json
from typing import Any

from tests.gate.scaffold.drafting import WORKFLOWS, Drafted

ORIGIN = "https://shop.example"
PAIRS = [{"key": "key", "value": "X-Shop"}, {"key": "value", "value": "s3cr3t-value"}]
HEADER = {"type": "apikey", "apikey": PAIRS}
QUERY = {"type": "apikey", "apikey": {"key": "k", "value": "s3cr3t-value", "in": "query"}}


def recorded(
    method: str, path: str, body: Any = None, status: int = 200, media_type: str = ""
) -> dict[str, Any]:
    request: dict[str, Any] = {"method": method, "url": ORIGIN + path, "headers": []}
    if body is not None or media_type:
        kind = media_type or "application/json"
        request["postData"] = {"mimeType": kind, "text": json.dumps(body)}
    return {"request": request, "response": {"status": status, "content": {}}}


def recording(*entries: dict[str, Any]) -> str:
    return json.dumps({"log": {"entries": entries}})


def collected(request: dict[str, Any]) -> str:
    return json.dumps({"item": [{"name": "one", "request": {"method": "POST", **request}}]})


def test_a_number_can_be_a_secret(project: Drafted) -> None:
    sent = {"pin": 4711, "max_tokens": 100, "card": {"cvv": "987"}}
    project.from_text("--har", "a.har", recording(recorded("POST", "/pay?sig=s3cr3t", sent)))
    drafted = project.text(WORKFLOWS)
    assert '"pin": int(self.pin), "max_tokens": 100' in drafted
    assert not any(secret in drafted for secret in ("4711", "987", "s3cr3t"))


def test_a_second_password_is_not_the_first(project: Drafted) -> None:
    """Else a login that was refused in the recording would be let in."""
    tries = [("wrong-s3cr3t", 401), ("right-s3cr3t", 200), ("right-s3cr3t", 200)]
    entries = [recorded("POST", "/login", {"password": each}, status) for each, status in tries]
    project.from_text("--har", "a.har", recording(*entries))
    drafted = project.text(WORKFLOWS)
    assert drafted.count('json={"password": self.password}') == 1
    assert drafted.count('json={"password": self.password_2}') == 2


def test_what_is_left_out_is_shown_without_its_query(project: Drafted) -> None:
    entry = recorded("POST", "/files?access_token=s3cr3t", media_type="multipart/form-data")
    told = project.from_text("--har", "a.har", recording(entry, recorded("GET", "/")))
    assert told[-1] == "left out, because its body is made of files: POST /files"


def test_a_key_is_secret_whatever_it_is_called(project: Drafted) -> None:
    for name, auth in (("header.json", HEADER), ("query.json", QUERY)):
        project.from_text("--postman", name, collected({"url": f"{ORIGIN}/a", "auth": auth}))
    drafted = project.text(WORKFLOWS)
    assert 'client.post("/a", headers={"X-Shop": self.api_key})' in drafted
    assert 'client.post(f"/a?k={self.api_key}")' in drafted
    assert "s3cr3t" not in drafted


def test_what_is_switched_off_in_a_collection_is_not_sent(project: Drafted) -> None:
    fields = [{"key": "a", "value": "1"}, {"key": "b", "value": "2", "disabled": True}]
    body = {"mode": "urlencoded", "urlencoded": fields}
    project.from_text("--postman", "a.json", collected({"url": f"{ORIGIN}/a", "body": body}))
    assert 'form = {"a": "1"}' in project.text(WORKFLOWS)


def test_a_connection_that_became_a_websocket_is_no_request(project: Drafted) -> None:
    entries = recorded("GET", "/live", status=101), recorded("GET", "/")
    project.from_text("--har", "a.har", recording(*entries))
    assert "/live" not in project.text(WORKFLOWS)


def test_the_language_of_a_body_in_hurl_is_no_part_of_it(project: Drafted) -> None:
    bodies = '```json\n{"a": 1}\n```', "```graphql\n{ cart { id } }\n```", "```\nplain\n```"
    text = "\n".join(f"POST {ORIGIN}/a\n{body}\nHTTP 200\n" for body in bodies)
    project.from_text("--http", "a.hurl", text)
    drafted = project.text(WORKFLOWS)
    for sent in ('json={"a": 1}', 'json={"query": "{ cart { id } }"}', 'body="plain".encode()'):
        assert sent in drafted
