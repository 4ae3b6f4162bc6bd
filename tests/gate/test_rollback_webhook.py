"""Rolling back by a POST: what the receiver gets, and what is said of what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from smokegate.act import act_on, record_of
from smokegate.errors import UsageError
from smokegate.results import JudgedRun, from_json
from smokegate.settings import Settings, load
from standardwebhooks import Webhook

from tests.gate.telemetry.receiver import Receiver, receiver
from tests.gate.test_act import judged

SECRET = "whsec_" + "QUJD" * 8
PATH = "/hooks/opens-by-itself?key=s3cr3t-of-the-hook"


@pytest.fixture
def deployer() -> Iterator[Receiver]:
    """What deploys, and can go back."""
    with receiver() as there:
        yield there


@pytest.fixture
def configured(deployer: Receiver, tmp_path: Path) -> Callable[..., Settings]:
    def settings(**changes: Any) -> Settings:
        given = {"rollback_webhook": deployer.url + PATH, "journal": str(tmp_path), **changes}
        return load(given, {}, tmp_path)

    return settings


def acted(run: JudgedRun, settings: Settings, *, in_earnest: bool = True) -> tuple[str, list[str]]:
    shown: list[str] = []
    return act_on(run, settings, {}, shown.append, in_earnest=in_earnest), shown


def test_it_gets_the_run_signed_and_once(
    deployer: Receiver, configured: Callable[..., Settings]
) -> None:
    run, settings = judged(), configured(rollback_secret=SECRET)
    assert acted(run, settings) == (
        "0.9.0",
        [
            f"Going back to version 0.9.0: POST {deployer.url}",
            "The rollback webhook has taken it.",
        ],
    )
    (request,) = deployer.received
    assert (request.method, request.path) == ("POST", PATH)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == run.run_id
    sent = Webhook(SECRET).verify(request.body, request.headers)
    whole = json.dumps(sent["data"].pop("run"))
    assert from_json(whole.encode()) == run
    assert sent["type"] == "smokegate.rollback"
    assert sent["data"] == {
        "run_id": run.run_id,
        "verdict": "rollback",
        "target": "https://api.example.com",
        "version": "1.0.0",
        "rollback_to": "0.9.0",
    }
    back_to, shown = acted(msgspec.structs.replace(run, run_id="20260101-010000-123456"), settings)
    assert (back_to, len(deployer.received)) == ("", 1)
    assert shown[0].startswith("Rollback refused: this deployment was acted on before")


def test_another_secret_is_a_bearer_token(
    deployer: Receiver, configured: Callable[..., Settings]
) -> None:
    acted(judged(), configured(rollback_secret="s3cr3t-of-the-deployer"))
    (request,) = deployer.received
    assert request.headers["authorization"] == "Bearer s3cr3t-of-the-deployer"
    assert "webhook-signature" not in request.headers


def test_a_dry_run_asks_nobody(deployer: Receiver, configured: Callable[..., Settings]) -> None:
    settings = configured()
    assert acted(judged(), settings, in_earnest=False) == (
        "",
        [f"With --act this would go back to version 0.9.0: POST {deployer.url}"],
    )
    assert acted(judged(partial=True), settings)[0] == ""
    assert deployer.received == []
    assert not record_of(judged(), settings).exists()


def test_what_it_answers_is_said_without_secrets(
    deployer: Receiver, configured: Callable[..., Settings]
) -> None:
    deployer.status, deployer.body = 403, b"no: s3cr3t-of-the-deployer\n::error::\x1b[31m"
    back_to, shown = acted(judged(), configured(rollback_secret="s3cr3t-of-the-deployer"))
    assert back_to == "0.9.0"  # whatever it says, the target is looked at again
    assert shown[-1].startswith("The rollback webhook failed: status 403: no: [redacted]")
    assert len(shown[-1].splitlines()) == 1


def test_it_has_as_long_as_the_settings_say(
    deployer: Receiver, configured: Callable[..., Settings]
) -> None:
    deployer.silent = True
    _, shown = acted(judged(), configured(rollback_timeout_s=0.3))
    assert shown[-1] == "The rollback webhook failed: timeout: connected, then no answer."


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rollback_webhook": "deploy.example.com"}, "rollback_webhook: expected a URL"),
        ({"rollback_webhook": "https://me:hunter22@example.com"}, "rollback_webhook: expected a"),
        ({"rollback_webhook": "https://"}, "rollback_webhook: expected a URL"),
        (
            {"rollback_webhook": "https://a.example.com/x", "rollback_command": "true"},
            "there is a rollback_command too; keep one",
        ),
        ({"rollback_secret": "whsec_hunter22hunter22"}, "rollback_secret: expected 24 to 64 bytes"),
        ({"rollback_secret": "short"}, "rollback_secret"),
    ],
)
def test_what_could_not_work_is_refused_and_not_repeated(given: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        load(given, {})
    assert words in str(refused.value)
    assert "hunter22" not in str(refused.value)


def test_neither_address_nor_secret_is_shown(configured: Callable[..., Settings]) -> None:
    settings = configured(rollback_secret=SECRET)
    assert not {"rollback_webhook", "rollback_secret"} & settings.public().keys()
