"""Bodies that do not come to their end, from anybody who can connect."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import httpx2
import pytest

UNFINISHED = b"POST /gate/flagger/rollout HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"


def begun(client: httpx2.Client) -> socket.socket:
    connection = socket.create_connection((client.base_url.host, client.base_url.port or 0))
    connection.sendall(UNFINISHED)
    return connection


@pytest.fixture
def printed(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the server prints of bugs."""
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        yield caplog
    logger.removeHandler(caplog.handler)


def test_who_goes_away_in_the_middle_is_no_bug_of_ours(
    idle: httpx2.Client, printed: pytest.LogCaptureFixture
) -> None:
    with begun(idle) as connection:
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1_000):
            pass
    assert idle.get("/health").status_code == 200
    assert not printed.records


def test_a_body_that_does_not_come_is_not_waited_for(
    idle: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smokegate.service.asked._BODY_WITHIN_S", 0.1)
    with begun(idle) as connection:
        assert connection.recv(1_000).startswith(b"HTTP/1.1 408 ")
