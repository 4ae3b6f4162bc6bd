"""What docs/locations.md shows can be done as it stands there."""

from __future__ import annotations

import re
import shlex

import pytest
from smokegate.locations.broker import SPARE_S
from smokegate.locations.worker import SWEPT_EVERY_S

from smokegate import cli, settings
from tests.gate.test_documentation import ROOT

TEXT = (ROOT / "docs/locations.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"^```\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("line", re.findall(r"^smokegate .*$", BLOCKS, re.MULTILINE))
def test_its_commands_are_taken(line: str) -> None:
    cli.parser().parse_args(shlex.split(line)[1:])


def test_its_environment_is_read() -> None:
    given = dict(re.findall(r'^export (\w+)="?([^"\n]*)', BLOCKS, re.MULTILINE))
    given = {name: value.replace("$BROKER_PASSWORD", "a-password") for name, value in given.items()}
    read = settings.load({}, given)
    assert read.broker == "amqps://gate:a-password@broker.example.com:5671/smokegate"
    assert (read.broker_ca_file, read.url) == ("ca.pem", "https://api.example.com")


def test_its_redis_is_read() -> None:
    (url,) = re.findall(r"`(rediss://[^`]*)`", TEXT)
    assert settings.load({}, {"SMOKEGATE_BROKER": url}).broker == url


def test_its_times_are_ours() -> None:
    assert f"every {SWEPT_EVERY_S:g} seconds" in TEXT
    assert f"killed {SPARE_S:g} s after" in TEXT
