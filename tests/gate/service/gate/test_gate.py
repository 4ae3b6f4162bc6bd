"""The gate: which run one gets, how many at a time, and that no answer is ever lost."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
from smokegate.service.gate.child import Child
from smokegate.service.gate.gate import MOST_AT_ONCE, MOST_QUEUED
from smokegate.service.gate.ledger import Ledger
from smokegate.service.gate.order import Order, Wanted

from tests.gate.service.conftest import TOKEN
from tests.gate.service.gate.gates import STAND_IN, Gates, is_there, until


def ask(client: httpx2.Client, target: str = "shop", **more: str) -> dict[str, Any]:
    reply = client.post("/api/runs", json={"target": target, **more})
    assert reply.status_code == 202, reply.text
    found: dict[str, Any] = reply.json()
    return found


def verdict(client: httpx2.Client, order: dict[str, Any], wait: int = 60) -> dict[str, Any]:
    reply = client.get(f"/api/runs/{order['id']}/verdict", params={"wait": wait})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def test_a_run_is_asked_for_waited_for_and_found_again(gates: Gates) -> None:
    with gates.open() as client:
        asked = ask(client, expect_version="2.0.0", deployment="d1")
        assert verdict(client, asked, wait=0)["action"] == "running"
        gates.ends("monitor")
        found = verdict(client, asked)
        assert (found["state"], found["action"], found["reason"]) == (
            "done",
            "monitor",
            "it is monitor",
        )
        assert found["links"]["run"] == f"/run?id={found['run_id']}"
        assert client.get(f"/api/runs/{asked['id']}").json() == found
    assert gates.said == ["run --expect-version=2.0.0"]
    assert "SMOKEGATE_DEPLOYMENT" in (gates.folder / "env").read_text()
    with gates.open() as client:
        assert verdict(client, asked, wait=0) == found


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ({"key": "a"}, {"key": "a"}, True),
        ({"key": "a"}, {"key": "b"}, False),
        ({"expect_version": "1"}, {"expect_version": "1"}, True),
        ({"expect_version": "1"}, {"expect_version": "2"}, False),
        ({"deployment": "d"}, {"deployment": "d", "key": "a"}, False),
        ({}, {}, False),
        ({"key": "a"}, {"key": "a", "target": "blog"}, False),
    ],
)
def test_the_same_is_one_run_and_anything_else_another(
    gates: Gates, first: dict[str, str], second: dict[str, str], *, is_same: bool
) -> None:
    with gates.open() as client:
        one = ask(client, **first)
        until(lambda: gates.said)
        assert (ask(client, **second)["id"] == one["id"]) is is_same


def test_a_verdict_is_that_of_whoever_asks_again_only_for_a_while(gates: Gates) -> None:
    gates.ends("rollback")
    with gates.open() as client:
        first = verdict(client, ask(client, key="a"))
        gates.clock.now_s += 599
        assert ask(client, key="a") == first
        gates.clock.now_s += 2
        gates.ends("inconclusive")
        again = verdict(client, ask(client, key="a"))
        assert again["id"] != first["id"]
        gates.clock.now_s += 59
        assert ask(client, key="a") == again
        gates.clock.now_s += 2
        assert ask(client, key="a")["id"] not in (first["id"], again["id"])


def test_a_target_has_one_run_at_a_time_and_others_go_on_beside_it(gates: Gates) -> None:
    with gates.open() as client:
        orders = [ask(client, key="a"), ask(client, key="b"), ask(client, "blog")]
        until(lambda: len(gates.said) == 2)
        assert [verdict(client, each, wait=0)["state"] for each in orders] == [
            "running",
            "queued",
            "running",
        ]
        gates.ends("proceed")
        assert {verdict(client, each)["action"] for each in orders} == {"proceed"}
    assert len(gates.said) == 3


def test_no_more_run_than_may_and_no_more_wait_than_may(gates: Gates) -> None:
    gates.names = [f"t{number}" for number in range(MOST_AT_ONCE + 1)]
    with gates.open() as client:
        states = [ask(client, name, key="a")["state"] for name in gates.names]
        assert states == ["running"] * MOST_AT_ONCE + ["queued"]
        for number in range(MOST_QUEUED - 1):
            ask(client, "t0", key=f"{number}")
        full = client.post("/api/runs", json={"target": "t0", "key": "one too many"})
        assert full.status_code == 429
        assert full.headers["retry-after"] == "30"
        assert full.headers["content-type"] == "application/problem+json"
        assert ask(client, "t0", key="0")["state"] == "queued"


def test_what_is_cancelled_ends_with_all_that_it_started(gates: Gates) -> None:
    (gates.folder / "leaves").touch()
    with gates.open() as client:
        running, queued = ask(client, key="a"), ask(client, key="b")
        until(lambda: (gates.folder / "child").exists() and gates.said)
        left = int((gates.folder / "child").read_text())
        for each in queued, running:
            gone = client.delete(f"/api/runs/{each['id']}").json()
            assert (gone["state"], gone["action"]) == ("cancelled", "inconclusive")
        until(lambda: not is_there(left))
        assert client.delete(f"/api/runs/{running['id']}").json()["state"] == "cancelled"
        assert client.delete("/api/runs/none").status_code == 404
    assert len(gates.said) == 1


def test_a_run_that_does_not_heed_is_killed(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smokegate.service.gate.child._ENDS_WITHIN_S", 0.2)
    monkeypatch.setattr("smokegate.service.gate.gate._CLOSING_S", -340.0 + 0.5)
    (gates.folder / "deaf").touch()
    with gates.open() as client:
        found = verdict(client, ask(client))
    assert (found["action"], found["reason"]) == (
        "inconclusive",
        "the run did not end within 0.5 s",
    )


def test_a_run_without_a_verdict_is_inconclusive_and_says_why(gates: Gates) -> None:
    gates.ends("dies")
    with gates.open() as client:
        found = verdict(client, ask(client))
    assert found["action"] == "inconclusive"
    assert found["reason"] == "tests/smoke: there is no such folder"


def test_a_service_that_is_told_to_end_lets_nobody_wait_and_runs_it_again(gates: Gates) -> None:
    with gates.open() as client:
        asked = ask(client, key="a")
        until(lambda: gates.said)
    gates.ends("proceed")
    with gates.open() as client:
        assert verdict(client, asked)["action"] == "proceed"
        assert ask(client, key="a")["id"] == asked["id"]
    assert len(gates.said) == 2


def test_what_an_ended_service_left_behind_is_waited_for_and_then_run_again(gates: Gates) -> None:
    order = Order(id="asked-20260101-120000-abcdef01", wanted=Wanted(target="shop"), asked_ms=1)
    ledger = Ledger(gates.folder)
    ledger.write(order)
    ledger.close()
    program = [sys.executable, "-I", str(STAND_IN), str(gates.folder), "run"]
    child = Child(ledger.folder, order)
    child.start(program, os.environ)
    until(lambda: gates.said)
    try:
        with gates.open() as client:
            assert verdict(client, {"id": order.id}, wait=0)["state"] == "queued"
            gates.ends("proceed")
            assert verdict(client, {"id": order.id})["action"] == "proceed"
    finally:
        child.kill()
    assert len(gates.said) == 2


def test_only_one_service_has_the_gate(gates: Gates) -> None:
    another = pytest.raises(BlockingIOError, match="another smokegate serve")
    with gates.open(), another, gates.open():
        pass


def test_what_cannot_be_kept_is_not_begun(gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with gates.open() as client:
        with monkeypatch.context() as patched:
            patched.setattr("smokegate.service.gate.ledger.write_whole", full)
            refused = client.post("/api/runs", json={"target": "shop", "key": "a"})
        assert refused.status_code == 503
        assert "No space left on device" in refused.json()["detail"]
        assert not gates.said
        assert ask(client, key="a")["state"] == "running"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "not JSON"),
        (b"[" * 20_000, 422, "expected `object`"),
        (b'{"key": "' + b"x" * 20_001 + b'"}', 413, "20,000 bytes"),
        (b'{"url": "http://10.0.0.1/"}', 422, "unknown field"),
        (b'{"target": "http://10.0.0.1/"}', 404, "There is no target"),
        (b"{}", 404, "Say which target is meant; there are blog, shop."),
        (b'{"target": "shop", "key": "a\\u0000b"}', 422, "key:"),
        (b'{"target": "shop", "expect_version": "\\ud800"}', 400, "not JSON"),
        (b'{"target": "shop", "github_deployment": "../../x"}', 422, "github_deployment:"),
        (b'{"target": "shop", "github_deployment": "o/r/1"}', 409, "GitHub cannot be told"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    idle: httpx2.Client, body: bytes, status: int, words: str
) -> None:
    json_ = {"content-type": "application/json"}
    refused = idle.post("/api/runs", content=body, headers=json_)
    assert refused.status_code == status, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert words.lower() in refused.json()["detail"].lower()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/runs"),
        ("DELETE", "/api/runs/x"),
        ("GET", "/gate/argo?key=a&target=shop"),
        ("POST", "/gate/argo?key=a&target=shop"),
    ],
)
def test_without_the_token_nothing_begins(idle: httpx2.Client, method: str, path: str) -> None:
    for authorization in "", f"Bearer {TOKEN}x":
        headers = {"authorization": authorization}
        assert idle.request(method, path, json={}, headers=headers).status_code == 401


def test_many_can_wait_for_one_run(gates: Gates) -> None:
    with gates.open() as client:
        asked, found = ask(client, key="a"), []
        waiting = [
            threading.Thread(target=lambda: found.append(verdict(client, asked)["action"]))
            for _ in range(8)
        ]
        for thread in waiting:
            thread.start()
        gates.ends("investigate")
        for thread in waiting:
            thread.join()
    assert found == ["investigate"] * 8


def test_a_file_that_is_no_order_is_left_alone(
    gates: Gates, capfd: pytest.CaptureFixture[str]
) -> None:
    (gates.folder / "gate").mkdir()
    strange = gates.folder / "gate" / "x.order"
    strange.write_text("{")
    with gates.open() as client:
        assert ask(client)["state"] == "running"
    assert strange.exists()
    assert "x.order is no order of the gate" in capfd.readouterr().err


def test_what_is_the_services_alone_is_not_passed_on(
    gates: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMOKEGATE_TOKEN", TOKEN)
    monkeypatch.setenv("SMOKEGATE_GITHUB_TOKEN", "a-token-of-GitHub")
    monkeypatch.setenv("SMOKEGATE_GITHUB_USER", "a")  # what a suite has set of its own
    gates.ends("proceed")
    with gates.open() as client:
        verdict(client, ask(client))
    found = (gates.folder / "env").read_text()
    assert "TOKEN" not in found
    assert "SMOKEGATE_GITHUB_USER" in found
    assert not [path for path in Path(gates.folder / "gate").iterdir() if TOKEN in path.name]
