"""What is wrong before anybody can be asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from smokegate.control_run import Earlier
from smokegate.errors import UsageError
from smokegate.locations.driver import Driver
from smokegate.results import JudgedRun

from smokegate import cli, engine, settings
from tests.gate.locations.test_task import SUITE, URL
from tests.gate.suite_folder import SuiteFolder, suite_folder
from tests.system.ports import free_port

PASSWORD = "a-password-of-the-broker"


@pytest.fixture
def suites(tmp_path: Path) -> Iterator[SuiteFolder]:
    with suite_folder(tmp_path / "suites") as folder:
        folder.write("test_driven.py", SUITE)
        yield folder


def verified(driver: Driver, suites: SuiteFolder, **options: Any) -> JudgedRun:
    configured = settings.load({"url": URL, "require": ["health"], **options}, {}, suites.path)
    return driver.verify(
        configured,
        lambda: engine.load([suites.path], configured),
        lambda _: None,
        suites=[],
        give_up=lambda _: None,
        earlier=Earlier(samples={"t": [[0.1]]}),
    )


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_away_is_no_verdict(suites: SuiteFolder, scheme: str) -> None:
    broker = f"{scheme}://user:{PASSWORD}@127.0.0.1:{free_port()}/0"
    run = verified(Driver(("eu", "us")), suites, broker=broker)
    assert run.verdict.action.value == "inconclusive"
    away = "health.test_up: no answer from eu and us: the broker cannot be reached: "
    assert run.verdict.reason.startswith(away)
    assert run.seal is not None
    assert run.earlier_samples == {}
    assert PASSWORD not in str(run)


@pytest.mark.parametrize(
    ("driver", "options", "reason"),
    [
        (Driver(("eu", "us"), "3"), {}, "--quorum 3: there are only 2 locations"),
        (Driver(("eu",)), {}, "broker is not set"),
        (Driver(("eu",)), {"broker": "sqs://host"}, "broker: expected a URL such as rediss://"),
        (
            Driver(("eu",)),
            {"broker": "rediss://host", "broker_ca_file": "/nowhere"},
            "broker_ca_file: /nowhere is not there",
        ),
        (
            Driver(("eu",)),
            {"broker": "amqps://host", "broker_ca_file": "/nowhere"},
            "broker_ca_file: /nowhere is not there",
        ),
    ],
)
def test_what_is_set_wrongly_is_said(
    suites: SuiteFolder, driver: Driver, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        verified(driver, suites, **options)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--locations", "eu,EU"], "'EU': a location has 1 to 32 small letters, digits and '-'"),
        (["--locations", "eu,eu"], "'eu,eu' has a location twice"),
        (["--locations", "a,b", "--quorum", "0"], "'0' is not all, majority, or 1 or more"),
    ],
)
def test_what_is_no_location_or_quorum_is_wrong_use(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", *arguments])
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


def test_a_quorum_of_nothing_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--quorum", "all"]) == 2
    assert "--quorum: it is of --locations" in capsys.readouterr().err


@pytest.mark.parametrize(
    "broker", ["https://h:s3cret-word@x", "amqp://u:s3cret-word@", "s3cret-word"]
)
def test_a_wrong_broker_is_not_repeated(broker: str) -> None:
    with pytest.raises(UsageError) as raised:
        settings.load({}, {"SMOKEGATE_BROKER": broker})
    assert "s3cret-word" not in str(raised.value)
    assert str(raised.value).startswith("SMOKEGATE_BROKER: broker: expected a URL")
