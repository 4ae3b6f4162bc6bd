"""A push to a Pushgateway, as it leaves us."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from smokegate.settings import Settings
from smokegate.telemetry import pushgateway
from smokegate.telemetry.gauges import exposition, gauges
from smokegate.telemetry.pushgateway import group_of, push

from tests.gate.history.runs import failing, run
from tests.gate.telemetry.receiver import Receiver, receiver
from tests.system.ports import free_port


@pytest.fixture
def gateway() -> Iterator[Receiver]:
    with receiver() as there:
        yield there


def test_gauges_go_to_the_group_of_the_environment(gateway: Receiver) -> None:
    assert push(failing(), Settings(metrics_push=f"{gateway.url}/prefix/")) == ""
    (request,) = gateway.received
    assert (request.method, request.path) == (
        "POST",
        "/prefix/metrics/job/smokegate/environment/production",
    )
    assert request.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "authorization" not in request.headers
    assert request.body == exposition(gauges(failing()))


@pytest.mark.parametrize(
    ("environment", "group"),
    [
        ("eu-west.1", "/environment/eu-west.1"),
        ("a/b", "/environment@base64/YS9i"),
        ("mañana", "/environment@base64/bWHDsWFuYQ=="),
        ("", "/environment@base64/="),
    ],
)
def test_any_name_has_a_group(environment: str, group: str) -> None:
    assert group_of(environment) == f"/metrics/job/smokegate{group}"


def test_credentials_go_into_a_header_and_nowhere_else(gateway: Receiver) -> None:
    gateway.status, gateway.body = 401, b"no such user\n"
    url = gateway.url.replace("://", "://user:hunt%40er22@")
    said = push(run(), Settings(metrics_push=url))
    assert said == f"metrics were not pushed to {gateway.url}: status 401: no such user"
    (request,) = gateway.received
    assert base64.b64decode(request.headers["authorization"].split()[1]) == b"user:hunt@er22"


def test_what_a_gateway_says_is_one_harmless_line(gateway: Receiver) -> None:
    gateway.status, gateway.body = 400, b"\x1b[31m::error::\n" * 1_000
    said = push(run(), Settings(metrics_push=gateway.url))
    assert "status 400" in said
    assert said.isprintable()
    assert len(said) < 300


def test_one_that_does_not_answer_is_given_up(
    gateway: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushgateway, "_WITHIN_S", 0.1)
    gateway.silent = True
    said = push(run(), Settings(metrics_push=gateway.url))
    assert said == f"metrics were not pushed to {gateway.url}: timeout: connected, then no answer"


def test_one_that_is_not_there_is_said() -> None:
    url = f"http://user:hunter22@127.0.0.1:{free_port()}"
    said = push(run(), Settings(metrics_push=url))
    assert said.endswith(": connection refused")
    assert "hunter22" not in said
