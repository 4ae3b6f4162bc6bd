"""`smokegate notify test`: every channel tried, and what happened."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import TextIO

from smokegate.client.redaction import Redactor
from smokegate.client.session import learn_settings
from smokegate.engine import in_loop
from smokegate.errors import UsageError
from smokegate.notify.channel import Channel, Outcome
from smokegate.notify.channels import channels_of
from smokegate.notify.delivery import tried
from smokegate.notify.notice import Kind, Notice
from smokegate.posting import as_shown
from smokegate.reports.escaping import one_line
from smokegate.reports.outlet import Outlet
from smokegate.results import Action
from smokegate.settings import Settings

_WITHIN_S = 10.0
_NONE = (
    "notify test: no channel is set: set alert_slack, alert_pagerduty, alert_webhook or alert_email"
)


def test(settings: Settings, stream: TextIO) -> int:
    """Send a test through every channel; 0 if all took it, 1 otherwise.

    Raises `UsageError` where none is set.
    """
    channels = channels_of(settings)
    if not channels:
        raise UsageError(_NONE)
    outcomes = in_loop(partial(_tried, channels.values(), _notice(settings)))
    redactor, outlet = Redactor(), Outlet(stream)
    learn_settings(redactor, settings)
    for name, outcome in zip(channels, outcomes, strict=True):
        said = as_shown(outcome.why, redactor) or "it took the message"
        outlet.line(f"{'✓' if outcome.arrived else '✗'} {name:<10} {said}")
        if outcome.next_step:
            outlet.line(f"    next       {outcome.next_step}")
    return 0 if all(outcome.arrived for outcome in outcomes) else 1


async def _tried(channels: Iterable[Channel], notice: Notice) -> list[Outcome]:
    return await asyncio.gather(*(tried(each, notice, _WITHIN_S) for each in channels))


def _notice(settings: Settings) -> Notice:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Notice(
        id=secrets.token_hex(16),
        kind=Kind.TEST,
        key="smokegate-test",
        incident="smokegate-test",
        moment=moment,
        since="",
        bad_runs=0,
        action=Action.PROCEED,
        title="A test of smokegate's alerts: nothing is wrong",
        to_do="Nothing has to be done.",
        environment=one_line(settings.environment),
        target=one_line(settings.url) if settings.url_given else "no target",
        version="",
        version_before="",
        run_id="",
        suites=[],
    )
