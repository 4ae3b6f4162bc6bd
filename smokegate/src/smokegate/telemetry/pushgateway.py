"""A push of gauges to a Pushgateway, for runners that nobody scrapes.

The group is the job and the environment, so the run after replaces what this one says. No instance:
that would leave one group behind for each machine that ever ran. POST, which replaces by name and
lets the time of the last success stand where a run did not succeed; PUT would take it away.
https://github.com/prometheus/pushgateway#api
"""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote, urlsplit

from smokegate.client.redaction import Redactor
from smokegate.client.session import learn_settings
from smokegate.client.transport import Headers
from smokegate.engine import in_loop
from smokegate.posting import as_shown, post, why_not
from smokegate.results import JudgedRun
from smokegate.settings import Settings
from smokegate.telemetry.gauges import CONTENT_TYPE, exposition, gauges

_JOB = "smokegate"
_WITHIN_S = 5.0
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")


def push(run: JudgedRun, settings: Settings) -> str:
    """Push the gauges of a run within five seconds; what went wrong in one line, or nothing."""
    url, headers = _without_credentials(settings.metrics_push)
    answer = in_loop(
        lambda: post(
            f"{url}{group_of(run.environment)}",
            [("Content-Type", CONTENT_TYPE), *headers],
            exposition(gauges(run)),
            within_s=_WITHIN_S,
            ca_file=settings.ca_file,
        )
    )
    redactor = Redactor()
    learn_settings(redactor, settings)
    why = as_shown(why_not(answer), redactor)
    return f"metrics were not pushed to {url}: {why}" if why else ""


def group_of(environment: str) -> str:
    """The path of the group of an environment; what a path cannot hold is in base64."""
    if _PLAIN.fullmatch(environment):
        return f"/metrics/job/{_JOB}/environment/{environment}"
    encoded = base64.urlsafe_b64encode(environment.encode("utf-8", "replace")).decode() or "="
    return f"/metrics/job/{_JOB}/environment@base64/{encoded}"


def _without_credentials(url: str) -> tuple[str, Headers]:
    """A URL that may be shown, and the header that its user and password go into."""
    parts = urlsplit(url.rstrip("/"))
    login, at, host = parts.netloc.rpartition("@")
    shown = parts._replace(netloc=host).geturl()
    if not at:
        return shown, []
    encoded = base64.b64encode(unquote(login).encode()).decode()
    return shown, [("Authorization", f"Basic {encoded}")]
