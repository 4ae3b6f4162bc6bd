"""`smokegate notify test`: every channel tried, and what came of it."""

from __future__ import annotations

import io

import pytest
from smokegate.notify.command import test as try_channels
from smokegate.settings import Settings

from smokegate import cli
from tests.gate.notify.mail_server import mail_server
from tests.gate.notify.others import HOOK, ROUTING_KEY, Answer, Others
from tests.system.ports import free_port


def tried(settings: Settings) -> tuple[int, list[str]]:
    stream = io.StringIO()
    return try_channels(settings, stream), stream.getvalue().splitlines()


def with_mail(told: Others, port: int) -> Settings:
    return told.settings(
        alert_smtp=f"smtp://127.0.0.1:{port}",
        alert_email=("on-call@example.com",),
        alert_email_from="gate@example.com",
    )


def test_all_that_took_it(told: Others) -> None:
    with mail_server() as server:
        code, lines = tried(with_mail(told, server.port))
    assert code == 0
    assert lines == [
        "✓ slack      it took the message",
        "✓ pagerduty  it took the message",
        "✓ webhook    it took the message",
        "✓ email      it took the message",
    ]
    assert told.actions == ["trigger", "resolve"]
    assert {each["dedup_key"] for each in told.pagerduty} == {"smokegate-test"}
    assert told.pagerduty[0]["payload"]["severity"] == "info"
    assert told.types == ["test"]
    assert told.titles == ["✓ A test of smokegate's alerts: nothing is wrong"]
    assert server.messages[0]["Subject"].endswith("nothing is wrong")


def test_what_some_did_not_take_and_what_to_do(told: Others) -> None:
    told.answers = {
        HOOK: [Answer(404, "no_service")],
        "/v2/enqueue": [Answer(400, f"'routing_key' {ROUTING_KEY} is invalid")],
    }
    code, lines = tried(with_mail(told, free_port()))
    assert code == 1
    assert lines == [
        "✗ slack      status 404: no_service",
        "    next       make a new incoming webhook in Slack, and set alert_slack to its URL",
        "✗ pagerduty  status 400: 'routing_key' [redacted] is invalid",
        "    next       compare alert_pagerduty with the integration key of the service "
        "(Events API v2)",
        "✓ webhook    it took the message",
        "✗ email      Connection refused",
        "    next       compare the host and the port in alert_smtp with those of the mail server",
    ]


def test_none_to_try_is_wrong_use(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.main(["notify", "test"]) == 2
    assert capsys.readouterr().err == (
        "smokegate: notify test: no channel is set: set alert_slack, alert_pagerduty, "
        "alert_webhook or alert_email\n"
    )
    monkeypatch.setenv("SMOKEGATE_ALERT_SLACK", "nonsense")
    assert cli.main(["notify", "test"]) == 2
    assert "nonsense" not in capsys.readouterr().err
