"""What Argo Rollouts and Flagger are told: in their terms, and never more than is known."""

from __future__ import annotations

import base64
from typing import Any

import httpx2
import pytest
from smokegate.service.access.visitors import Rules
from smokegate.service.arguments import LOOPBACK

from tests.gate.service.conftest import TOKEN
from tests.gate.service.gate.gates import Gates, until
from tests.system.command import ROOT
from tests.system.rollouts.argo import ERROR, AnalysisRun, metric_of, web

CANARY: dict[str, Any] = {
    "name": "podinfo",
    "namespace": "test",
    "phase": "Progressing",
    "checksum": "8b6d5f7c4",
    "metadata": {"target": "shop"},
}
ACTIONS = ("proceed", "monitor", "investigate", "rollback", "inconclusive")
OPENING = ("proceed", "monitor")
GOING_ON = (
    "confirm-rollout",
    "pre-rollout",
    "rollout",
    "confirm-traffic-increase",
    "confirm-promotion",
    "post-rollout",
)


def flagger(client: httpx2.Client, kind: str, wait: int = 60, **more: Any) -> httpx2.Response:
    return client.post(f"/gate/flagger/{kind}?wait={wait}", json={**CANARY, **more})


@pytest.mark.parametrize("action", ACTIONS)
def test_argo_gets_every_verdict_as_a_short_value(gates: Gates, action: str) -> None:
    gates.ends(action)
    with gates.open() as client:
        for method in ("GET", "POST", "PUT"):
            reply = client.request(method, "/gate/argo?target=shop&key=7d4&wait=60")
            assert reply.status_code == 200
            assert reply.json()["action"] == action
    assert len(gates.said) == 1


@pytest.mark.parametrize(
    ("query", "body", "action", "reason"),
    [
        ("target=nowhere&key=a", "", "inconclusive", "There is no target 'nowhere'"),
        ("key=a", "", "inconclusive", "Say which target is meant"),
        ("target=shop", "", "inconclusive", "say which release is meant"),
        ("target=shop&key=a&wait=-1", "", "inconclusive", "wait: expected"),
        ("target=shop&key=a&wait=1e9", "", "inconclusive", "wait: expected"),
        ("target=shop&key=a&url=http://10.0.0.1", "", "inconclusive", "unknown field `url`"),
        ("target=shop&key=a%0d%0ab", "", "inconclusive", "key: expected"),
        ("target=shop&key=a", "{}", "inconclusive", "the body is not read"),
    ],
)
def test_argo_is_never_told_more_than_is_known_and_always_with_200(
    idle: httpx2.Client, query: str, body: str, action: str, reason: str
) -> None:
    reply = idle.post(f"/gate/argo?{query}", content=body)
    assert reply.status_code == 200
    assert reply.json()["action"] == action
    assert reason in reply.json()["reason"]


@pytest.mark.parametrize("action", ACTIONS)
def test_flagger_goes_on_with_good_verdicts_alone(gates: Gates, action: str) -> None:
    gates.ends(action)
    with gates.open() as client:
        for kind in GOING_ON:
            reply = flagger(client, kind)
            assert reply.status_code == (200 if action in OPENING else 412)
            assert reply.text.startswith(f"{action}: it is {action} (run-")


def test_who_asks_is_told_in_time_that_there_is_no_verdict_yet(gates: Gates) -> None:
    with gates.open() as client:
        assert client.get("/gate/argo?target=shop&key=a&wait=0").json()["action"] == "running"
        for kind in GOING_ON:
            reply = flagger(client, kind, wait=0)
            assert reply.status_code == (200 if kind == "post-rollout" else 412)
            assert reply.text.startswith("running")


@pytest.mark.parametrize("action", ACTIONS)
def test_flagger_rolls_back_by_a_rollback_alone(gates: Gates, action: str) -> None:
    with gates.open() as client:
        assert flagger(client, "rollback").status_code == 412
        flagger(client, "pre-rollout", wait=0)
        assert flagger(client, "rollback").text == "there is no verdict yet\n"
        gates.ends(action)
        flagger(client, "pre-rollout")
        assert flagger(client, "rollback").status_code == (200 if action == "rollback" else 412)
        for other in ("another", CANARY["checksum"][:-1], CANARY["checksum"] + "5"):
            assert flagger(client, "rollback", checksum=other).status_code == 412
        gates.clock.now_s += 601
        assert flagger(client, "rollback").status_code == 412
    assert len(gates.said) == 1


def test_flagger_gets_a_run_for_each_moment_and_each_revision(gates: Gates) -> None:
    gates.ends("proceed")
    with gates.open() as client:
        for kind in ("pre-rollout", "confirm-promotion"):
            assert len({flagger(client, kind).text for _ in range(2)}) == 1
        flagger(client, "pre-rollout", checksum="another")
    assert len(gates.said) == 3


def test_the_last_verdict_of_a_canary_is_the_one_to_roll_back_by(gates: Gates) -> None:
    with gates.open() as client:
        gates.ends("rollback")
        flagger(client, "pre-rollout")
        gates.clock.now_s += 1
        gates.ends("proceed")
        flagger(client, "confirm-promotion")
        assert flagger(client, "rollback").status_code == 412


@pytest.mark.parametrize(
    ("kind", "content", "status", "words"),
    [
        ("event", b"{}", 404, "The types are confirm-rollout"),
        ("pre-rollout", b"", 400, "not JSON"),
        ("pre-rollout", b"[]", 422, "Expected `object`"),
        ("pre-rollout", b'{"name": "a"}', 422, "namespace"),
        ("pre-rollout", b'{"name": "a", "namespace": "b"}', 422, "no checksum"),
        ("pre-rollout", b'{"name": "a", "namespace": "b", "metadata": {"a": 1}}', 422, "metadata"),
        ("pre-rollout", b'{"name": "a", "namespace": "b", "checksum": "c"}', 404, "which target"),
        (
            "pre-rollout",
            b'{"name": "a", "namespace": "b", "checksum": "c", "metadata": {"version": "1\\n"}}',
            400,
            "version: expected",
        ),
        ("pre-rollout", b"x" * 30_000, 413, "20,000 bytes"),
    ],
)
def test_what_flagger_never_sends_is_refused_in_one_line(
    idle: httpx2.Client, kind: str, content: bytes, status: int, words: str
) -> None:
    reply = idle.post(f"/gate/flagger/{kind}", content=content)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert words in reply.json()["detail"]


def test_our_own_trouble_reaches_flaggers_log(
    gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smokegate.service.gate.gate.MOST_QUEUED", 0)
    with gates.open() as client:
        for kind, status in (("pre-rollout", 412), ("rollback", 412)):
            reply = flagger(client, kind)
            assert reply.status_code == status
    assert not gates.said


@pytest.mark.parametrize("how", ["bearer", "basic", "metadata"])
def test_flaggers_token_comes_in_any_of_three_places(gates: Gates, how: str) -> None:
    gates.ends("proceed")
    basic = base64.b64encode(f"smokegate:{TOKEN}".encode()).decode()
    headers = {"bearer": f"Bearer {TOKEN}", "basic": f"Basic {basic}"}
    with gates.open() as client:
        client.headers.pop("authorization")
        assert flagger(client, "pre-rollout").status_code == 401
        wrong = flagger(client, "pre-rollout", metadata={"target": "shop", "token": "wrong"})
        assert wrong.status_code == 401
        client.headers |= {"authorization": headers[how]} if how in headers else {}
        metadata = {"target": "shop"} | ({"token": TOKEN} if how == "metadata" else {})
        reply = flagger(client, "pre-rollout", metadata=metadata)
    assert reply.status_code == 200
    written = [path.read_bytes() for path in (gates.folder / "gate").iterdir()]
    assert not any(TOKEN.encode() in content for content in written)
    assert TOKEN not in reply.text + wrong.text


def test_argo_with_a_wrong_token_gives_up_in_the_end(gates: Gates) -> None:
    """A token that is wrong is not ours to be lenient about, so the template asks for patience."""
    args = {"target": "shop", "revision": "a", "token": "a-wrong-token-of-argo"}
    with gates.open() as client:
        run = AnalysisRun(metric_of(ROOT / "deploy/argo/analysis-web.yaml", args), web(client))
        assert run.status() == ERROR
    assert len(run.values) == 31
    assert not gates.said


def test_a_site_that_a_user_visits_cannot_make_their_browser_ask(gates: Gates) -> None:
    """Where a proxy logs users in, it adds its header to whatever a browser is made to send."""
    with gates.open(Rules(token=TOKEN, user_header="X-User", proxies=LOOPBACK)) as client:
        client.headers.pop("authorization")
        client.headers |= {"x-user": "ada"}
        assert client.get("/gate/argo?target=shop&key=a").status_code == 403
        posted = client.post("/gate/argo?target=shop&key=a", headers={"origin": "http://evil"})
        assert posted.status_code == 403
        assert not gates.said
        assert client.post("/gate/argo?target=shop&key=a&wait=0").json()["action"] == "running"
        headers = {"authorization": "Basic YTpi"}  # the proxy's own
        reply = client.post("/gate/flagger/rollback", json=CANARY, headers=headers)
        assert reply.status_code == 412


def test_guessing_the_token_has_to_wait(gates: Gates) -> None:
    with gates.open() as client:
        client.headers.pop("authorization")
        for _ in range(5):
            flagger(client, "rollback", metadata={"token": "a wrong one"})
        assert flagger(client, "rollback", metadata={"token": TOKEN}).status_code == 429


def test_a_read_only_visitor_starts_nothing(gates: Gates) -> None:
    with gates.open(Rules(token=TOKEN, public_read=True)) as client:
        asked = client.post("/api/runs", json={"target": "shop"}).json()
        until(lambda: gates.said)
        client.headers.pop("authorization")
        assert client.get(f"/api/runs/{asked['id']}/verdict").json()["action"] == "running"
        assert client.get("/gate/argo?target=shop&key=a").status_code == 401
        assert client.delete(f"/api/runs/{asked['id']}").status_code == 401
    assert len(gates.said) == 1
