"""One target of a file of many, as `smokegate run --targets FILE --target NAME` takes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from smokegate.errors import UsageError

from smokegate import cli, settings, targets

FLEET = """
[defaults]
paths = ["suites"]
timeout_s = 7
[targets.shop]
url = "https://shop.example"
expect_version = "1"
[targets.blog]
url = "https://blog.example"
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    file = tmp_path / "fleet.toml"
    file.write_text(FLEET)
    return file


def test_options_win_over_what_the_file_says(fleet: Path) -> None:
    found = targets.one(fleet, "shop", {})
    given = {"expect_version": "2", "wait_s": 3.0, "url": None}
    configured = settings.with_options(found.settings, given, {})
    assert (configured.url, configured.expect_version) == ("https://shop.example", "2")
    assert (configured.timeout_s, configured.wait_s) == (7, 3)
    assert found.paths == (fleet.parent / "suites",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wait_s": -1.0}, "--wait: wait_s: expected"),
        ({"deployed_at": "yesterday"}, "--deployed-at: deployed_at: expected a moment"),
        ({"url": "ftp://shop.example"}, "--url: "),
    ],
)
def test_a_wrong_option_is_said_by_its_name(
    fleet: Path, options: dict[str, object], words: str
) -> None:
    found = targets.one(fleet, "shop", {}).settings
    with pytest.raises(UsageError, match=words):
        settings.with_options(found, options, {})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--targets", "{}", "--target", "shops"), "there is no target 'shops'; there are blog"),
        (("--targets", "{}"), "say which target is meant; there are blog, shop"),
        (("--target", "shop"), "--target: give --targets"),
    ],
)
def test_a_target_that_is_not_there_is_wrong_use(
    fleet: Path, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", *(each.format(fleet) for each in arguments)]) == 2
    assert words in capsys.readouterr().err
