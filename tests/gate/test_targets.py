"""Files of many targets: what wins over what, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from smokegate.errors import UsageError
from smokegate.targets import read

FILE = """
[defaults]
paths = ["suites"]
tags = ["all"]
timeout_s = 1
slow_s = 1
[defaults.sample]
requests = 0

[groups.eu]
environment = "eu"
tags = ["eu"]
timeout_s = 2

[groups.slow]
timeout_s = 3

[targets.shop]
url = "https://shop.example.com/"
groups = ["eu", "slow"]
tags = ["payments"]
test_password = { env = "SHOP_PASSWORD" }

[targets.search]
url = "https://search.example.com"
timeout_s = 4
paths = ["a", "b"]
"""


def written(folder: Path, text: str = FILE) -> Path:
    file = folder / "fleet.toml"
    file.write_text(text, encoding="utf-8")
    return file


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        read(written(folder, text), {})
    return str(caught.value).removeprefix(f"{folder / 'fleet.toml'}: ")


def test_the_more_particular_wins(tmp_path: Path) -> None:
    (tmp_path / "smokegate.toml").write_text("strict = true\nslow_s = 9\n", encoding="utf-8")
    environ = {
        "PRODUCTION_URL": "http://elsewhere",
        "SHOP_PASSWORD": "of the shop",
        "API_TIMEOUT": "5",
        "SMOKEGATE_WAIT_S": "6",
    }
    found = read(written(tmp_path), environ)
    assert list(found) == ["shop", "search"]
    shop, search = (found[name].settings for name in found)
    assert (shop.url, search.url) == ("https://shop.example.com", "https://search.example.com")
    assert (shop.timeout_s, search.timeout_s) == (3.0, 4.0)
    assert (shop.environment, search.environment) == ("eu", "production")
    assert (shop.slow_s, shop.strict, shop.wait_s) == (1.0, True, 6.0)
    assert (shop.sample_requests, shop.test_password) == (0, "of the shop")
    assert shop.url_given


def test_the_environment_wins_over_what_all_have_in_common(tmp_path: Path) -> None:
    text = '[defaults]\ntimeout_s = 1\n[targets.a]\nurl = "http://a"\n'
    assert read(written(tmp_path, text), {"API_TIMEOUT": "5"})["a"].settings.timeout_s == 5.0


def test_paths_are_beside_the_file_and_tags_add_up(tmp_path: Path) -> None:
    found = read(written(tmp_path), {"SHOP_PASSWORD": "of the shop"})
    assert found["shop"].paths == (tmp_path / "suites",)
    assert found["search"].paths == (tmp_path / "a", tmp_path / "b")
    assert found["shop"].tags == {"all", "eu", "payments"}
    assert found["search"].tags == {"all"}


A = '[targets.a]\nurl = "http://a"\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "it names no target; add [targets.NAME] with a url"),
        ("targets = 1", "[targets]: expected a table"),
        ("[targets]\na = 1", "target 'a': expected a table"),
        ("[target.a]", "there is no 'target'; it has [defaults], [groups], [targets]"),
        ("[targets.a]", "target 'a': it has no url"),
        (A + "timeout_s = 'x'", "target 'a': timeout_s: expected a number, got text"),
        (A + 'groups = ["b"]', "target 'a': there is no [groups.b]"),
        (A + "groups = 1", "target 'a': groups: expected a list, got a whole number"),
        (A + "tags = [1]", "target 'a': tags: expected text, got a whole number"),
        (A + '[groups.b]\nurl = "http://b"', "group 'b': url: only a target has it"),
        ('[defaults]\nurl = "http://b"', "[defaults]: url: only a target has it"),
        (A + 'proxy = { env = "NOT_SET" }', "target 'a': proxy: the environment has no NOT_SET"),
        (
            '[targets."a/b"]',
            "[targets]: 'a/b': a name has letters, digits, '.', '_' and '-' only",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, line: str) -> None:
    assert complaint(tmp_path, text) == line


def test_what_the_environment_has_must_be_text(tmp_path: Path) -> None:
    file = written(tmp_path, A + 'environment = { env = "PLACE" }')
    with pytest.raises(UsageError, match=r"target 'a': environment: PLACE: it is not UTF-8$"):
        read(file, {"PLACE": "a\udcff"})


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"fleet\.toml cannot be read"):
        read(tmp_path / "fleet.toml", {})
