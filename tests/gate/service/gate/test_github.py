"""GitHub asks by signed webhooks, and is told of verdicts until it has heard them."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from smokegate.errors import UsageError

from tests.gate.service.gate.gates import Gates, until
from tests.gate.service.gate.github_server import INSTALLATION_TOKEN, SmallGitHub, small_github

SECRET = "a-secret-of-the-webhook"
RULE = "/repos/o/r/actions/runs/42/deployment_protection_rule"
ELSEWHERE = (
    "https://evil.example/repos/o/r/actions/runs/42/deployment_protection_rule",
    "{api}.evil.example" + RULE,
    "{api}@evil.example" + RULE,
    "{api}/repos/o/r/../../../x",
    "{api}" + RULE + "?to=http://evil.example",
    "{api}" + RULE.replace("/r/", "/../"),
    "{api}" + RULE + "\n",
    "{api}/repos/o/r/deployments/1/statuses",
    "http://169.254.169.254/latest/meta-data",
    "",
)


@pytest.fixture
def github(gates: Gates) -> Iterator[SmallGitHub]:
    """A GitHub that the gates know, with a token of a user's."""
    with small_github(SmallGitHub()) as there:
        gates.settings = {
            "github_api": there.url,
            "github_token": INSTALLATION_TOKEN,
            "github_webhook_secret": SECRET,
            "dashboard_url": "https://gate.example.com",
        }
        yield there


def asked(client: httpx2.Client, url: str, **more: Any) -> httpx2.Response:
    """What GitHub sends of a protection rule, as far as it matters here."""
    payload = {
        "action": "requested",
        "environment": "shop",
        "event": "push",
        "sha": "0f" * 20,
        "ref": "refs/heads/main",
        "deployment_callback_url": url,
        "deployment": None,
        "pull_requests": [{"number": number, "body": "x" * 900} for number in range(40)],
        "repository": {"id": 1, "full_name": "o/r"},
        "installation": {"id": 7, "node_id": "x"},
        "sender": {"login": "ada"},
    }
    return sent(client, {**payload, **more})


def sent(
    client: httpx2.Client, payload: Any, event: str = "deployment_protection_rule"
) -> httpx2.Response:
    content = json.dumps(payload).encode()
    signature = f"sha256={hmac.digest(SECRET.encode(), content, 'sha256').hex()}"
    headers = {"x-github-event": event, "x-hub-signature-256": signature}
    return client.post("/gate/github", content=content, headers=headers)


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("proceed", "approved"),
        ("monitor", "approved"),
        ("investigate", "rejected"),
        ("rollback", "rejected"),
        ("inconclusive", None),
    ],
)
def test_a_rule_is_reviewed_by_the_verdict(
    gates: Gates, github: SmallGitHub, action: str, state: str | None
) -> None:
    gates.ends(action)
    with gates.open() as client:
        del client.headers["authorization"]
        assert asked(client, github.url + RULE).status_code == 202
        until(lambda: github.told)
    ((path, body),) = github.told
    assert path == RULE
    assert body.get("state") == state
    assert body["comment"].startswith(f"smokegate: **{action}**: `it is {action}`\n\n[run-")
    assert "(https://gate.example.com/run?id=run-" in body["comment"]


def test_asking_twice_is_told_once_and_not_again_after_a_restart(
    gates: Gates, github: SmallGitHub
) -> None:
    gates.ends("proceed")
    for _ in range(2):
        with gates.open() as client:
            for _ in range(2):
                assert asked(client, github.url + RULE).status_code == 202
            until(lambda: github.told)
    assert len(github.told) == len(gates.said) == 1


def test_what_was_not_told_is_told_after_a_restart(gates: Gates, github: SmallGitHub) -> None:
    async def for_ever(_: float) -> None:
        import asyncio

        await asyncio.Event().wait()

    gates.ends("rollback")
    gates.pause, github.before = for_ever, [(502, {}, "Bad Gateway")]
    with gates.open() as client:
        asked(client, github.url + RULE)
        until(lambda: github.asked)
    assert not github.told
    gates.pause = None
    with gates.open():
        until(lambda: github.told)
    assert github.told[0][1]["state"] == "rejected"


def test_statuses_of_a_deployment_say_how_far_it_is(gates: Gates, github: SmallGitHub) -> None:
    with gates.open() as client:
        order = {"target": "shop", "key": "a", "github_deployment": "o/r/5"}
        assert client.post("/api/runs", json=order).status_code == 202
        until(lambda: github.told)
        gates.ends("investigate")
        until(lambda: len(github.told) == 2)
    assert {path for path, _ in github.told} == {"/repos/o/r/deployments/5/statuses"}
    first, last = (body for _, body in github.told)
    assert (first["state"], last["state"]) == ("in_progress", "failure")
    assert last["description"] == "investigate: it is investigate"
    assert last["environment_url"] == "http://shop.example"
    assert last["log_url"].startswith("https://gate.example.com/run?id=run-")


@pytest.mark.parametrize(
    ("replies", "pauses"),
    [
        ([(429, {"Retry-After": "7"}, "")], [7.0]),
        ([(403, {}, "You have exceeded a secondary rate limit")] * 2, [60.0, 120.0]),
        ([(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}, "")], [1.0]),
        ([(500, {}, ""), (502, {}, "")], [5.0, 10.0]),
        ([(401, {}, "Bad credentials")], [5.0]),
    ],
)
def test_what_github_cannot_take_now_is_told_when_it_says(
    gates: Gates,
    github: SmallGitHub,
    replies: list[tuple[int, dict[str, str], str]],
    pauses: list[float],
) -> None:
    paused: list[float] = []

    async def pause(for_s: float) -> None:
        paused.append(for_s)

    gates.ends("proceed")
    gates.pause, github.before = pause, list(replies)
    with gates.open() as client:
        asked(client, github.url + RULE)
        until(lambda: github.told)
    assert paused == pauses
    assert len(github.told) == 1


@pytest.mark.parametrize("status", [403, 404, 422])
def test_what_github_will_never_take_is_said_and_not_repeated(
    gates: Gates, github: SmallGitHub, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    gates.ends("proceed")
    github.before = [(status, {}, f"no: {INSTALLATION_TOKEN[:3]}")] * 2
    with gates.open() as client:
        asked(client, github.url + RULE)
        until(lambda: github.asked)
    with gates.open():
        pass
    assert github.asked == 1
    said = capfd.readouterr().err
    assert f"status {status}" in said
    assert INSTALLATION_TOKEN not in said


def test_nothing_is_sent_to_where_is_not_github(gates: Gates, github: SmallGitHub) -> None:
    with gates.open() as client:
        for url in ELSEWHERE:
            reply = asked(client, url.replace("{api}", github.url))
            assert reply.status_code == 422, url
            assert reply.headers["content-type"] == "application/problem+json"
    assert not github.asked
    assert not gates.said


def test_only_what_is_signed_is_heeded(gates: Gates, github: SmallGitHub) -> None:
    with gates.open() as client:
        content = json.dumps({"action": "requested"}).encode()
        for signature in ("", "sha256=", "sha256=" + "0" * 64, "sha1=x", "\xff"):
            headers = {b"x-hub-signature-256": signature.encode("latin-1")}
            reply = client.post("/gate/github", content=content, headers=headers)
            assert reply.status_code == 401
        assert client.post("/gate/github", content=b"x" * 1_000_001).status_code == 413
        assert sent(client, {"zen": "Keep it simple."}, "ping").text == "pong\n"
        assert sent(client, {"action": "created"}, "deployment").status_code == 200
        assert sent(client, {"action": "requested"}).status_code == 422
        assert asked(client, github.url + RULE, action="other").status_code == 200
        assert asked(client, github.url + RULE, environment="nowhere").status_code == 404
    assert not gates.said


def test_without_a_secret_there_is_no_webhook(gates: Gates) -> None:
    with gates.open() as client:
        assert sent(client, {}, "ping").status_code == 404


def test_an_app_has_a_token_of_its_installation(gates: Gates) -> None:
    key = rsa.generate_private_key(65_537, 2_048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (gates.folder / "app.pem").write_bytes(private)
    gates.ends("proceed")
    with small_github(SmallGitHub(public)) as there:
        gates.settings = {
            "github_api": there.url,
            "github_webhook_secret": SECRET,
            "github_app_id": "4711",
            "github_app_key": str(gates.folder / "app.pem"),
        }
        with gates.open() as client:
            asked(client, there.url + RULE)
            order = {"target": "shop", "key": "a", "github_deployment": "o/r/5"}
            client.post("/api/runs", json=order)
            until(lambda: len(there.told) >= 2)
    assert {path for path, _ in there.told} == {RULE, "/repos/o/r/deployments/5/statuses"}


@pytest.mark.parametrize("content", ["no key", None])
def test_a_key_that_is_none_is_said_at_once(gates: Gates, content: str | None) -> None:
    file = Path(gates.folder / "app.pem")
    if content:
        file.write_text(content)
    gates.settings = {"github_app_id": "4711", "github_app_key": str(file)}
    with pytest.raises(UsageError, match="github_app_key: "), gates.open():
        pass
