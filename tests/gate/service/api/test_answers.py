"""What the API answers, on each kind of database."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest
from smokegate.history import deployments, digest, outcomes, queries
from smokegate.history.rows import moment
from smokegate.history.store import Store
from smokegate.service.access.visitors import Rules

from tests.gate.history.runs import failing, run
from tests.gate.reports.hostile import TRICKS
from tests.gate.service.conftest import TOKEN, served
from tests.gate.service.some_weeks import FALSE_ALARM, LATER, NOW_S, TARGETS

BEARER = {"authorization": f"Bearer {TOKEN}"}
TARGET = TARGETS["production"]
DAY_MS = 86_400_000
NASTY = "'\"</script><img src=x onerror=alert(1)> {{style}} \ud800 \u202e ' OR 1=1 --"
SINCE_MS = (round(NOW_S * 1000) // DAY_MS - 29) * DAY_MS


def answer(client: httpx2.Client, path: str, **query: object) -> Any:
    params = {name: str(value) for name, value in query.items()}
    reply = client.get(path, params=params or None)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/json"
    return reply.json()


def problem(reply: httpx2.Response, status: int) -> str:
    """What a refusal says, by RFC 9457."""
    told = reply.json()
    assert reply.headers["content-type"] == "application/problem+json"
    assert (reply.status_code, told["status"], told["type"]) == (status, status, "about:blank")
    assert set(told) == {"type", "title", "status", "detail"}
    return str(told["detail"])


def test_the_overview_has_every_environment(reader: httpx2.Client) -> None:
    found = answer(reader, "/api/overview")
    there = {each["standing"]["environment"]: each for each in found["environments"]}
    assert list(there) == ["canary", "production", "staging"]
    production = there["production"]
    assert (production["standing"]["run_id"], production["standing"]["action"]) == (
        LATER,
        "proceed",
    )
    assert production["whole"]["verdicts"] == {"investigate": 1, "proceed": 45, "rollback": 1}
    assert sum(sum(day["verdicts"].values()) for day in production["days"]) == 47
    assert (production["open_alarms"], there["canary"]["open_alarms"], found["more"]) == (2, 0, 0)
    week = answer(reader, "/api/overview", days=7)["environments"][1]
    assert len(week["days"]) == 7, "today and the six days before it"
    assert week["open_alarms"] == 1


def test_pages_of_runs_follow_each_other(reader: httpx2.Client) -> None:
    shown: list[str] = []
    before = ""
    while True:
        found = answer(reader, "/api/runs", environment="staging", limit=10, before=before)
        shown += [each["run_id"] for each in found["runs"]]
        before = found["next_before"]
        if not before:
            break
    assert len(shown) == len(set(shown)) == 24
    assert shown == sorted(shown, reverse=True)
    closed = answer(reader, "/api/runs", verdict="investigate")["runs"]
    assert [each["action"] for each in closed] == ["investigate"] * 2


def test_what_the_history_knows_is_what_is_answered(known: Store) -> None:
    within: Any = {"environment": "production", "since_ms": SINCE_MS}
    check = "health.test_database_connection"
    with known.reading() as connection:
        wanted = {
            f"/api/runs/{FALSE_ALARM}": queries.run(connection, FALSE_ALARM),
            "/api/trends?environment=production": digest.digest(connection, **within),
            f"/api/checks/{check}?environment=production": digest.check_digest(
                connection, check, **within
            ),
            f"/api/checks/{check}/results?environment=production": {
                "results": outcomes.endings(connection, check, **within)
            },
        }
    with served(known) as client:
        for path, value in wanted.items():
            assert answer(client, path) == msgspec.to_builtins(value), path


def test_checks_can_be_narrowed_to_a_suite(reader: httpx2.Client) -> None:
    every = [each["check"] for each in answer(reader, "/api/checks")["checks"]]
    health = [each["check"] for each in answer(reader, "/api/checks", suite="health")["checks"]]
    assert health == [each for each in every if each.startswith("health.")]
    assert 0 < len(health) < len(every)


def test_deployments_have_their_verdicts(reader: httpx2.Client) -> None:
    asked = {"environment": "production", "limit": 2}
    newest, before = answer(reader, "/api/deployments", **asked)["deployments"]
    assert (newest["version"], before["version"]) == ("2.14.0", "2.13.0")
    assert newest["closing"]["run_id"] == FALSE_ALARM
    assert before["closing"] is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/overview?days=0", "days: expected `int` >= 1."),
        ("/api/overview?days=367", "days: expected `int` <= 366."),
        ("/api/overview?days=many", "days: expected `int`, got `str`."),
        ("/api/overview?day=7", "object contains unknown field `day`."),
        ("/api/runs?limit=201", "limit: expected `int` <= 200."),
        ("/api/runs?verdict=good", "verdict: invalid enum value 'good'."),
        (f"/api/runs?environment={'x' * 201}", "environment: expected `str` of length <= 200."),
        (f"/api/runs?before={'x' * 65}", "before: expected `str` of length <= 64."),
        (f"/api/runs/{'x' * 65}", "run_id: expected `str` of length <= 64."),
        ("/api/runs/x?days=7", "object contains unknown field `days`."),
    ],
)
def test_parameters_have_their_limits(client: httpx2.Client, path: str, said: str) -> None:
    assert problem(client.get(path), 400).lower() == said


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/runs/nothing", "There is no run nothing."),
        ("/api/checks/nothing", "There is no check nothing."),
        ("/api/checks/test_database_connection", "There is no check test_database_connection."),
        ("/api/checks/nothing/results", "There is no check nothing."),
        ("/api/nothing", "Not Found"),
        ("/api/", "Not Found"),
    ],
)
def test_what_is_not_there_is_said(reader: httpx2.Client, path: str, said: str) -> None:
    assert problem(reader.get(path), 404) == said


def test_other_methods_are_refused_with_those_that_are_known(client: httpx2.Client) -> None:
    refused = client.put("/api/runs")
    problem(refused, 405)
    assert set(refused.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    both = client.get("/api/runs/x/label")
    problem(both, 405)
    assert set(both.headers["allow"].split(", ")) == {"PUT", "DELETE"}
    assert client.head("/api/runs").status_code == 200


def test_a_label_is_put_and_taken_away(store: Store) -> None:
    store.remember(failing(1))
    with served(store, Rules(token=TOKEN)) as client:
        client.headers.update(BEARER)
        address = "/api/runs/run-000001/label"
        given = {"label": "false-alarm", "note": "the clock", "author": "ada"}
        put = client.put(address, json=given)
        assert (put.status_code, put.json()) == (200, {**given, "run_id": "run-000001"})
        kept = answer(client, "/api/runs/run-000001")
        assert (kept["run"]["label"], kept["note"], kept["author"]) == tuple(given.values())
        measure = answer(client, "/api/trends", days=366)["false_alarms"]
        assert measure["share"]["total"] == 1
        for _ in range(2):
            taken = client.delete(address)
            assert (taken.status_code, taken.content) == (204, b"")
        assert answer(client, "/api/runs/run-000001")["run"]["label"] == ""


def test_a_label_that_does_not_fit_is_refused(store: Store) -> None:
    store.remember(run(1))
    store.remember(failing(2, partial=True))
    with served(store, Rules(token=TOKEN)) as client:
        client.headers.update(BEARER)
        false = {"label": "false-alarm"}
        gone = client.put("/api/runs/nothing/label", json=false)
        assert problem(gone, 404) == "There is no run nothing."
        assert problem(client.delete("/api/runs/nothing/label"), 404)
        begun = client.put("/api/runs/run-/label", json=false)
        assert problem(begun, 404), "an id is not cut short here"
        opened = client.put("/api/runs/run-000001/label", json=false)
        assert "came to proceed" in problem(opened, 409)
        part = client.put("/api/runs/run-000002/label", json=false)
        assert "only a part of the checks" in problem(part, 409)


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        (b'{"label": "wrong"}', 422, "label: invalid enum value 'wrong'."),
        (b'{"label": "missed", "by": "me"}', 422, "object contains unknown field `by`."),
        (b"{}", 422, "object missing required field `label`."),
        (b"[]", 422, "expected `object`, got `array`."),
        (b'{"label": "missed", "note": 7}', 422, "note: expected `str`, got `int`."),
        (b"{", 400, "the body is not json."),
        (b"\xff", 400, "the body is not json."),
        (b'{"label": "missed", "note": "' + b"x" * 30_000 + b'"}', 413, "more than 20,000 bytes."),
        (b'{"label": "missed", "note": "' + b"x" * 2_001 + b'"}', 422, "note: expected `str` of"),
        (b'{"label":' + b"[" * 19_000, 422, "label: expected `str`, got `array`."),
    ],
)
def test_a_body_is_read_strictly(
    writer: httpx2.Client, given: bytes, status: int, said: str
) -> None:
    json = {"content-type": "application/json"}
    put = writer.put("/api/runs/x/label", content=given, headers=json)
    assert problem(put, status).lower().startswith(said)


@pytest.mark.parametrize("content", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_any_page_could_send_is_refused(writer: httpx2.Client, content: str) -> None:
    """JSON is what a page of another site cannot send without asking first."""
    given, headers = b'{"label":"missed"}', {"content-type": content}
    assert problem(writer.put("/api/runs/x/label", content=given, headers=headers), 415)


def test_a_deployment_is_marked_once(store: Store) -> None:
    with served(store, Rules(token=TOKEN)) as client:
        client.headers.update(BEARER)
        given = {
            "version": "1.4.2",
            "target": f"{TARGET}/",
            "deployed_at": "2026-01-30T12:00+02:00",
        }
        for _ in range(2):
            marked = client.post("/api/deployments", json=given)
            assert marked.status_code == 201
            assert marked.json() == {
                "environment": "production",
                "target": TARGET,
                "version": "1.4.2",
                "deployed_at": "2026-01-30T10:00:00Z",
            }
        (kept,) = answer(client, "/api/deployments")["deployments"]
        assert (kept["source"], kept["target"]) == (deployments.MARKED, TARGET)


def test_a_deployment_without_a_moment_is_one_of_now(store: Store) -> None:
    with served(store, Rules(token=TOKEN)) as client:
        given = {"version": "1", "target": TARGET, "environment": "staging"}
        marked = client.post("/api/deployments", json=given, headers=BEARER).json()
        assert marked["deployed_at"] == moment(round(NOW_S * 1000))


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"target": TARGET}, 422, "Object missing required field `version`"),
        ({"version": "", "target": TARGET}, 422, "version: expected `str` of length >= 1"),
        ({"version": "1", "target": "api"}, 400, "target: 'api' must begin with http"),
        ({"version": "1", "target": "https://u:pw@h"}, 400, "target: the URL must not hold"),
        ({"version": "1", "target": TARGET, "deployed_at": "today"}, 400, "deployed_at: not a mom"),
        ({"version": "1", "target": TARGET, "deployed_at": "0001-01-01"}, 400, "deployed_at: not"),
        ({"version": "1", "target": TARGET, "deployed_at": "2999-01-01"}, 400, "2999-01-01T00:00"),
    ],
)
def test_a_deployment_that_cannot_be_is_refused(
    writer: httpx2.Client, given: dict[str, str], status: int, said: str
) -> None:
    refused = writer.post("/api/deployments", json=given)
    assert problem(refused, status).lower().startswith(said.lower())
    assert answer(writer, "/api/deployments", days=366) == {"deployments": []}


def test_hostile_words_are_kept_as_words(store: Store) -> None:
    store.remember(failing(1, environment=TRICKS[7]))
    with served(store, Rules(token=TOKEN)) as client:
        client.headers.update(BEARER)
        for trick in [*TRICKS[::4], "\0", NASTY]:
            words = trick.encode(errors="replace").decode()[:200]
            for path in "/api/overview", "/api/runs", "/api/checks", "/api/trends":
                assert client.get(path, params={"environment": words}).status_code in (200, 400)
            assert client.get("/api/runs", params={"before": words[:64]}).status_code == 200
            given = {"label": "false-alarm", "note": words, "author": words}
            assert client.put("/api/runs/run-000001/label", json=given).status_code == 200
            marked = {"version": words, "target": TARGET, "environment": words}
            status = 201 if words and words.isprintable() else 400
            assert client.post("/api/deployments", json=marked).status_code == status
        assert answer(client, "/api/overview")["environments"][0]["standing"]["environment"]
