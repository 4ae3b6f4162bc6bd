"""What a worker logs is one line, without secrets, whatever it is about."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator

import pytest
from smokegate.locations.logs import LOGGER, set_up
from smokegate.settings import Settings

PASSWORD, ACCOUNTS = "a-password-of-the-broker", "a-password-of-accounts"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", stream)
    broker = f"rediss://:{PASSWORD}@broker.example.com/0"
    set_up([Settings(broker=broker, test_password=ACCOUNTS)])
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("py.warnings").setLevel(logging.NOTSET)


def test_it_is_one_line_without_a_traceback(said: io.StringIO) -> None:
    text = "a\nb\x1b[2J" + "x" * 10_000
    LOGGER.error("it broke: %s", text, exc_info=ValueError("first\nsecond"))
    (line,) = said.getvalue().splitlines()
    assert "error it broke: a b\\x1b[2Jxxx" in line
    assert len(line) < 500


def test_no_secret_is_in_it(said: io.StringIO) -> None:
    LOGGER.error("cannot log in with %s at %s", ACCOUNTS, f"rediss://:{PASSWORD}@broker")
    assert PASSWORD not in said.getvalue()
    assert ACCOUNTS not in said.getvalue()


def test_celery_says_what_is_wrong_and_no_more(said: io.StringIO) -> None:
    logging.getLogger("celery.worker").info("task received: %s", "all of its result")
    logging.getLogger("celery.worker").warning("connection lost")
    assert [line.split(" ", 2)[2] for line in said.getvalue().splitlines()] == [
        "warning connection lost"
    ]


def test_what_does_not_fit_its_own_words_is_said_as_it_is(said: io.StringIO) -> None:
    handler = logging.getLogger().handlers[0]  # those after it are of pytest
    handler.handle(logging.makeLogRecord({"msg": "%d of them", "args": ("none",)}))
    assert "%d of them" in said.getvalue()
