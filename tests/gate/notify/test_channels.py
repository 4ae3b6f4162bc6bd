"""What each channel sends: accepted by a server that follows its documentation, and harmless."""

from __future__ import annotations

import pytest
from smokegate.engine import in_loop
from smokegate.notify.channel import Again, Outcome, cut
from smokegate.notify.channels import channels_of, hears
from smokegate.notify.notice import Kind, Link, Notice
from smokegate.notify.pagerduty import SEVERITIES
from smokegate.notify.slack import escaped
from smokegate.results import Action
from smokegate.results import Outcome as CheckOutcome

from tests.gate.history.runs import failing
from tests.gate.notify.others import HOOK, Answer, Others
from tests.gate.notify.others import SEVERITIES as THEIRS
from tests.gate.notify.samples import LONG, hostile, notice
from tests.gate.samples import result


def send(told: Others, name: str, one: Notice, limit_s: float = 5.0) -> Outcome:
    channel = channels_of(told.settings())[name]
    return in_loop(lambda: channel.send(one, limit_s))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("name", ["slack", "pagerduty", "webhook"])
def test_what_means_harm_arrives_and_is_harmless(told: Others, name: str, kind: Kind) -> None:
    """Whatever a target says, the other side takes it, as it is."""
    assert send(told, name, hostile(kind)) == Outcome(arrived=True)


def test_a_message_in_slack(told: Others) -> None:
    links = [Link("the run on the dashboard", "https://gate.example.com/run?id=1&x=|")]
    send(told, "slack", notice(links=links, to_do="Roll <the release> back."))
    (message,) = told.slack
    assert message["text"] == "✗ https://api.example.com (production): ROLLBACK: health.up: why up"
    header, facts, causes, to_do, there = message["blocks"]
    assert header["text"]["text"] == message["text"]
    assert [each["text"] for each in facts["fields"]] == [
        "*environment*\nproduction",
        "*target*\nhttps://api.example.com",
        "*version*\n1.0.0",
        "*run*\nrun-000001",
    ]
    assert causes["text"] == {"type": "mrkdwn", "text": "• health.up: why up", "verbatim": True}
    assert to_do["text"]["text"] == "Roll &lt;the release&gt; back."
    url = "https://gate.example.com/run?id=1&amp;x=%7C"
    assert there["text"]["text"] == f"<{url}|the run on the dashboard>"


def test_what_is_told_of_many_checks(told: Others) -> None:
    many = [result(f"c{number}", CheckOutcome.FAILED, reason="dead") for number in range(9)]
    few = [result(f"d{number}", CheckOutcome.FAILED) for number in range(7)]
    causes = notice(made=failing(1, checks=[*many, *few])).causes
    assert causes[0] == "9 checks (workflows.c0, workflows.c1, workflows.c2 ...): dead"
    assert causes[5:] == ["and 3 more causes"]


def test_events_of_pagerduty(told: Others) -> None:
    links = [Link("the job that ran it", "https://ci.example.com/1")]
    for kind in (Kind.OPENED, Kind.WORSE, Kind.RESOLVED, Kind.DEPLOYED, Kind.TEST):
        send(told, "pagerduty", notice(kind, links=links))
    assert told.actions == ["trigger", "trigger", "resolve", "trigger", "resolve"]
    assert {each["dedup_key"] for each in told.pagerduty} == {"smokegate-0123"}
    payload = told.pagerduty[0]["payload"]
    assert (payload["severity"], payload["source"]) == ("critical", "https://api.example.com")
    assert payload["timestamp"] == "2026-01-01T00:00:02.000Z"
    assert payload["custom_details"]["causes"] == ["health.up: why up"]
    assert told.pagerduty[0]["links"] == [{"href": links[0].url, "text": links[0].text}]
    (change,) = told.changes
    assert change["payload"]["summary"].startswith(
        "https://api.example.com (production): version 1.0.0 after 0.9.0. ROLLBACK: "
    )


def test_every_verdict_has_a_severity() -> None:
    assert set(SEVERITIES) == set(Action)
    by_severity = sorted(SEVERITIES, key=lambda each: each.severity, reverse=True)
    theirs = [THEIRS.index(SEVERITIES[each]) for each in by_severity]
    assert theirs == sorted(theirs)


def test_a_webhook_is_signed_anew_under_the_same_id(told: Others) -> None:
    one = notice(links=[Link("run", "https://example.com")])
    for _ in range(2):
        assert send(told, "webhook", one).arrived
    first, second = told.headers  # the receiver has verified both
    assert first["webhook-id"] == second["webhook-id"] == one.id
    event = told.webhooks[0]
    assert (event["type"], event["timestamp"]) == ("incident.opened", "2026-01-01T00:00:02.000Z")
    assert event["data"]["action"] == "rollback"
    assert event["data"]["links"] == [{"text": "run", "url": "https://example.com"}]


@pytest.mark.parametrize(
    ("status", "again", "uncertain"),
    [
        (301, Again.LATER, False),
        (400, Again.NEVER, False),
        (403, Again.LATER, False),
        (404, Again.LATER, False),
        (410, Again.NEVER, False),
        (429, Again.SOON, False),
        (500, Again.SOON, True),
        (503, Again.SOON, True),
        (0, Again.SOON, True),
    ],
)
def test_what_is_tried_again_and_when(
    told: Others, status: int, again: Again, uncertain: bool
) -> None:
    told.answers = {HOOK: [Answer(status, "why\n\x1b[0m", (("Retry-After", "7"),))]}
    outcome = send(told, "slack", notice())
    assert (outcome.arrived, outcome.again, outcome.is_uncertain) == (False, again, uncertain)
    assert outcome.after_s == (7.0 if status >= 429 else 0.0)
    assert outcome.why.isprintable()


def test_one_that_is_not_there_cannot_have_heard() -> None:
    outcome = send(Others(port=1), "slack", notice())
    assert (outcome.why, outcome.again) == ("connection refused", Again.SOON)
    assert not outcome.is_uncertain
    assert "proxy" in outcome.next_step


def test_pagerduty_hears_no_reminders_and_it_alone_of_versions() -> None:
    heard = {kind: [name for name in ("slack", "pagerduty") if hears(name, kind)] for kind in Kind}
    assert heard[Kind.STILL] == ["slack"]
    assert heard[Kind.DEPLOYED] == ["pagerduty"]
    assert heard[Kind.OPENED] == heard[Kind.RESOLVED] == ["slack", "pagerduty"]


@pytest.mark.parametrize("text", [LONG, "\U0001f4a5" * 400, "&<>" * 400])
@pytest.mark.parametrize("limit", [4, 7, 150])
def test_what_is_cut_is_whole_and_fits(text: str, limit: int) -> None:
    for shown in cut(text, limit), escaped(text, limit):
        assert len(shown.encode()) <= limit
        assert shown.endswith("…")
    for entity in "&amp;", "&lt;", "&gt;":
        shown = shown.replace(entity, "")
    assert "&" not in shown, "none is cut in two"
    assert cut("short", limit + 5) == escaped("short", limit + 5) == "short"
