"""Settings of alerts: what is wrong with them is said before a run, and none of them is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from smokegate.client.redaction import MARK, Redactor
from smokegate.client.session import learn_settings
from smokegate.errors import UsageError
from smokegate.settings import Settings, load

NOWHERE = Path("/nonexistent")
SLACK = "https://hooks.slack.com/services/T000/B000/Gehe1mnisGehe1mnis"
SECRET = "whsec_R2VoZTFtbmlzR2VoZTFtbmlzR2VoZTFtbmlz"
FINE = {
    "SMOKEGATE_ALERT_SLACK": SLACK,
    "SMOKEGATE_ALERT_PAGERDUTY": "Gehe1mnisGehe1mnisGehe1mnisGehe1",
    "SMOKEGATE_ALERT_WEBHOOK": "http://hooks.internal:8080/Gehe1mnisGehe1mnis?code=Gehe1mnis",
    "SMOKEGATE_ALERT_WEBHOOK_SECRET": SECRET,
    "SMOKEGATE_ALERT_EMAIL": "a@example.com, b@example.com",
    "SMOKEGATE_ALERT_EMAIL_FROM": "gate@example.com",
    "SMOKEGATE_ALERT_SMTP": "smtps://me:Gehe1mnis%2F1@mail.example.com",
}


def without(*names: str, **changes: str) -> dict[str, str]:
    there = FINE | {f"SMOKEGATE_{name.upper()}": value for name, value in changes.items()}
    return {name: value for name, value in there.items() if name not in names}


def complaint(environ: dict[str, str]) -> str:
    with pytest.raises(UsageError) as raised:
        load({}, environ, NOWHERE)
    return str(raised.value)


def test_every_channel_that_is_set_is_told() -> None:
    assert load({}, {}, NOWHERE).alert_channels == ()
    settings = load({}, FINE, NOWHERE)
    assert settings.alert_channels == ("slack", "pagerduty", "webhook", "email")
    assert load({"alert_on": ()}, FINE, NOWHERE).alert_channels == ()


def test_none_of_the_secrets_is_shown() -> None:
    settings = load({}, FINE, NOWHERE)
    assert "Gehe1mnis" not in repr(settings.public())
    assert settings.public()["alert_email_from"] == "gate@example.com"
    redactor = Redactor()
    learn_settings(redactor, settings)
    told = " ".join([*FINE.values(), "/services/T000/B000/Gehe1mnisGehe1mnis", "Gehe1mnis/1"])
    assert "Gehe1mnis" not in redactor.text(told)
    assert redactor.text("a service has hooks") == "a service has hooks"
    assert redactor.text(SECRET) == MARK


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("alert_slack", "hooks.slack.com/Gehe1mnis"),
        ("alert_slack", "ftp://hooks.slack.com/Gehe1mnis"),
        ("alert_slack", "https://user:Gehe1mnis@hooks.slack.com/"),
        ("alert_slack", "https://hooks.slack.com/Gehe1mnis\r\nX: 1"),
        ("alert_slack", "https://[Gehe1mnis"),
        ("alert_webhook", "https://example.com:99999/Gehe1mnis"),
        ("alert_webhook", "https://example.com/#Gehe1mnis"),
        ("alert_pagerduty_url", "events.eu.pagerduty.com"),
        ("dashboard_url", "//gate"),
        ("alert_smtp", "mail.example.com:25"),
        ("alert_smtp", "http://me:Gehe1mnis@mail.example.com"),
        ("alert_smtp", "smtp://me:Gehe1mnis@1@mail.example.com"),
        ("alert_smtp", "smtp://me:Gehe1mnis/1@mail.example.com"),
        ("alert_smtp", "smtp://me@mail.example.com"),
    ],
)
def test_a_wrong_url_is_said_and_not_repeated(key: str, value: str) -> None:
    line = complaint(without(**{key: value}))
    assert line.startswith(f"SMOKEGATE_{key.upper()}: {key}: expected a URL such as ")
    assert "Gehe1mnis" not in line
    assert line.isprintable()


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ=", SECRET[6:], "whsec_!!", SECRET + "x"])
def test_a_secret_is_one_of_standard_webhooks(secret: str) -> None:
    line = complaint(without(alert_webhook_secret=secret))
    assert line.endswith("alert_webhook_secret: expected whsec_ and 24 to 64 bytes in base64")


def test_what_belongs_together_is_demanded_together() -> None:
    line = complaint(without("SMOKEGATE_ALERT_WEBHOOK_SECRET"))
    assert line == "SMOKEGATE_ALERT_WEBHOOK: alert_webhook: it needs alert_webhook_secret"
    line = complaint(without("SMOKEGATE_ALERT_SMTP", "SMOKEGATE_ALERT_EMAIL_FROM"))
    assert line.endswith(": alert_email: it needs alert_smtp and alert_email_from")
    line = complaint(without("SMOKEGATE_ALERT_PAGERDUTY", alert_escalate="slack,pagerduty"))
    assert line == "SMOKEGATE_ALERT_ESCALATE: alert_escalate: alert_pagerduty is not set"
    assert "monitor or inconclusive or" in complaint(without(alert_on="proceed"))


def test_nothing_is_set_unless_said() -> None:
    assert Settings().alert_on == ("investigate", "rollback")
    assert Settings().alert_remind_after_s == 0
