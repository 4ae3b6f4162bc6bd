"""A small campaign of hostile replies, as `make hostile` runs a large one."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.system.hostile.contents import content
from tests.system.hostile.judging import problems_of
from tests.system.hostile.replies import reply_to
from tests.system.hostile.secrets import SENT, WAYS, leaks_in


def test_a_campaign_finds_nothing() -> None:
    """Whether an exchange ended late is shown and not judged: other tests run here as well."""
    command = [sys.executable, "-m", "tests.system.hostile", "400", "--untimed"]
    campaign = subprocess.run(command, capture_output=True, text=True, check=False)
    assert campaign.returncode == 0, campaign.stdout + campaign.stderr
    assert ", 0 problems, peak " in campaign.stdout


def test_replies_are_the_same_for_the_same_seed_alone() -> None:
    assert reply_to("/0/reading/1", "1") == reply_to("/0/reading/1", "1")
    assert reply_to("/0/reading/1", "1") != reply_to("/0/reading/1", "2")
    assert len({repr(reply_to(f"/{number}", "1"))[:2_000] for number in range(200)}) > 190


def test_replies_differ_in_how_they_end_and_what_they_hold() -> None:
    replies = [reply_to(f"/{number}", "1") for number in range(1_000)]
    assert {each.ending for each in replies} == {"keep", "close", "reset", "hang", "endless"}
    assert any(each.pace_s for each in replies)
    wires = [b"".join(each.pieces) for each in replies]
    for mark in (b"\x1b[", b"::error", b"##vso[", b"<script>", b"gzip", b"chunked", b"rq7-"):
        assert any(mark in wire for wire in wires), mark


@pytest.mark.parametrize("secret", SENT)
@pytest.mark.parametrize("way", WAYS, ids=range(len(WAYS)))
def test_a_leak_is_seen_however_it_is_written_and_wrapped(secret: str, way: object) -> None:
    assert callable(way)
    written = f"saw {way(secret)}."
    assert leaks_in(written)
    assert leaks_in(written[:9] + "\n      " + written[9:])


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("log.txt", "\x1b[2J", "control characters"),
        ("log.txt", "a\n ::error::x", "a command for a CI system"),
        ("log.txt", "##vso[task.complete]", "a command for a CI system"),
        ("summary_1.txt", "rq7-0123456789abcdef01234567", "holds the secret"),
        ("health_1.xml", "<a>rq7-0123456789abcdef0&#49;234567</a>", "holds the secret"),
        ("report_1.html", "<p>rq7-0123456789abcdef0&#49;234567</p>", "holds the secret"),
        ("report_1.html", "<p><img src=x></img></p>", "an element that acts"),
        ("report_1.html", "<p onclick=x></p>", "an element that acts"),
        ("annotations", "::error title=a::b\nwhat?", "a line that is none"),
        ("outputs", "verdict=proceed\n", "not those that they should be"),
        ("run_1.json", '{"verdict": 1}', "does not fit its schema"),
    ],
)
def test_what_is_wrong_is_found(
    name: str, text: str, problem: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / name).write_text(text, encoding="utf-8")
    assert any(problem in found for found in problems_of(folder)), problems_of(folder)


def test_contents_are_of_every_kind() -> None:
    draw = random.Random(1)
    bodies = [content(draw)[0] for _ in range(600)]
    assert any(body.count(b"[") > 100_000 for body in bodies)
    assert any(b'"tokens"' in body for body in bodies)
    assert any(not body.isascii() for body in bodies)
    assert b"" in bodies
