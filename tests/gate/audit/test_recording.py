"""A recording: whole, without secrets, and replayed as it was."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from smokegate.audit import recording
from smokegate.errors import UsageError
from smokegate.results import Outcome

from tests.gate.audit.shop import PASSWORD, Audited, Health, Workflows, token
from tests.gate.audit.weak_suites import OfItsOwn


def test_every_exchange_has_its_owner_and_its_number() -> None:
    audited = Audited(Health, Workflows)
    places = [(each.owner, each.number) for each in audited.rehearsal.recording.exchanges]
    assert sorted(places) == [
        ("health.test_health", 1),
        ("other_token", 1),
        ("token", 1),
        ("workflows.test_items", 1),
        ("workflows.test_items", 2),
        ("workflows.test_strangers", 1),
        ("workflows.test_strangers", 2),
    ]


def test_a_replay_comes_to_the_same_and_consumes_each_exchange_once() -> None:
    audited = Audited(Health, Workflows)
    assert audited.rehearsal.unstable == {}
    outcomes = {result.outcome for result in audited.rehearsal.checks.values()}
    assert outcomes == {Outcome.PASSED}


def test_secrets_are_replaced_by_the_same_stand_ins_everywhere(tmp_path: Path) -> None:
    audited = Audited(Health, Workflows)
    secrets = {
        msgspec.json.decode(each.answer.body)["access_token"]
        for each in audited.raw
        if b"access_token" in each.answer.body
    }
    assert secrets
    file = tmp_path / "recording.json"
    recording.save(audited.given_away, file)
    kept = recording.load(file)
    text = repr(kept.exchanges)
    for secret in {PASSWORD, *secrets}:
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode() not in text
    (made,) = (each for each in kept.exchanges if each.owner == "token")
    stand_in = msgspec.json.decode(made.answer.body)["access_token"]
    used = [dict(each.request.headers).get("Authorization", "") for each in kept.exchanges]
    assert used.count(f"Bearer {stand_in}") == 3
    assert len(stand_in) == 64


def test_a_saved_recording_replays(tmp_path: Path) -> None:
    first = Audited(Health, Workflows)
    file = tmp_path / "recording.json"
    recording.save(first.given_away, file)
    again = Audited(Health, Workflows)
    again.recording = recording.load(file)
    from smokegate.audit.campaign import rehearsed

    rehearsal = rehearsed(again.job, again.plan)
    assert rehearsal.unstable == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a recording"),
        (b"{}", "not a recording"),
        (b'{"schema": 1}', "not a recording"),
        (b"[" * 100_000, "not a recording"),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(
    content: bytes, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "it.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        recording.load(file)
    assert "\n" not in str(caught.value)


def test_a_recording_of_another_schema_says_what_to_do(tmp_path: Path) -> None:
    audited = Audited(Health)
    newer = msgspec.structs.replace(audited.rehearsal.recording, schema=99)
    recording.save(newer, tmp_path / "it.json")
    with pytest.raises(UsageError, match=r"schema 99.*record again"):
        recording.load(tmp_path / "it.json")
    with pytest.raises(UsageError, match="No such file"):
        recording.load(tmp_path / "nothing.json")


def test_a_check_that_is_not_deterministic_is_named() -> None:
    audited = Audited(OfItsOwn, resources=(token,))
    assert list(audited.rehearsal.unstable) == ["workflows.test_own_uuid"]
    assert "client.unique()" in audited.rehearsal.unstable["workflows.test_own_uuid"]
    checks = {catch.check for each in audited.findings() for catch in each.catches}
    assert checks == {"workflows.test_plain", "token"}
