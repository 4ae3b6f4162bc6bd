"""Every channel in one table: how it is made, and what it does not have to hear."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from smokegate.notify.channel import Channel
from smokegate.notify.notice import Kind
from smokegate.settings import Settings


class _Entry(NamedTuple):
    module: str
    name: str
    unheard: frozenset[Kind] = frozenset({Kind.DEPLOYED})


_TABLE = {
    "slack": _Entry("slack", "Slack"),
    # It reminds by itself, as its escalation policy says.
    "pagerduty": _Entry("pagerduty", "PagerDuty", frozenset({Kind.STILL})),
    "webhook": _Entry("webhook", "Webhook"),
    "email": _Entry("mail", "Mail"),
}


def hears(name: str, kind: Kind) -> bool:
    """Whether a channel is told of a kind of thing at all."""
    return kind not in _TABLE[name].unheard


def channels_of(settings: Settings) -> dict[str, Channel]:
    """The channels that are set, by name; what the others need is not imported."""
    return {name: _made(_TABLE[name], settings) for name in settings.alert_channels}


def _made(entry: _Entry, settings: Settings) -> Channel:
    make: Callable[[Settings], Channel]
    make = getattr(import_module(f"smokegate.notify.{entry.module}"), entry.name)
    return make(settings)
