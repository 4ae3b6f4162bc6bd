"""What the expected version is where it is `auto`: as GitHub, GitLab, Jenkins or git says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from smokegate.errors import UsageError
from smokegate.settings import Sourced, from_sources, load

GITHUB = {"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main", "GITHUB_SHA": "a" * 40}


def expected(environ: dict[str, str], folder: Path) -> str:
    return load({"expect_version": "auto"}, environ, folder).expect_version


@pytest.mark.parametrize(
    ("environ", "version"),
    [
        (GITHUB, "a" * 40),
        (GITHUB | {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v1.4.2"}, "v1.4.2"),
        ({"CI_COMMIT_SHA": "b" * 40, "CI_COMMIT_TAG": ""}, "b" * 40),
        ({"CI_COMMIT_SHA": "b" * 40, "CI_COMMIT_TAG": "1.4.2"}, "1.4.2"),
        ({"GIT_COMMIT": "c" * 40}, "c" * 40),
        ({"GIT_COMMIT": "c" * 40, "TAG_NAME": "v2"}, "v2"),
    ],
)
def test_the_pipeline_says_it(environ: dict[str, str], version: str, tmp_path: Path) -> None:
    assert expected(environ, tmp_path) == version


def test_elsewhere_git_says_it(tmp_path: Path) -> None:
    commit = ("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--allow-empty")
    for words in (("init",), (*commit, "-m", "first")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=tmp_path, text=True)
    assert expected({}, tmp_path) == head.strip()


def test_where_nothing_says_it_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--expect-version: auto: neither GitHub.* give it$"):
        expected({}, tmp_path)


def test_another_word_is_a_version(tmp_path: Path) -> None:
    assert load({"expect_version": "automatic"}, GITHUB, tmp_path).expect_version == "automatic"


def test_of_several_targets_each_has_a_version_of_its_own() -> None:
    with pytest.raises(UsageError, match=r"fleet\.toml: expect_version: auto is for one target"):
        from_sources({"expect_version": Sourced("auto", "fleet.toml")})
