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

from smokegate import __version__
from smokegate.client.curl import CurlTransport
from smokegate.client.transport import Answer, Headers, Request
from smokegate.client.trouble import WORDS
from smokegate.engine import in_loop
from smokegate.reports.escaping import one_line
from smokegate.results import JudgedRun
from smokegate.settings import Settings
from smokegate.telemetry.gauges import CONTENT_TYPE, exposition, gauges

_JOB = "smokegate"
_WITHIN_S = 5.0
_MOST_BYTES = 65_536
_SHOWN_CHARS = 200
_PLAIN = re.compile(r"[A-Za-z0-9._-]+")


def push(run: JudgedRun, settings: Settings) -> str:
    """Push the gauges of a run within five seconds; what went wrong in one line, or nothing."""
    url, headers = _without_credentials(settings.metrics_push)
    answer = in_loop(lambda: _post(f"{url}{group_of(run.environment)}", headers, run, settings))
    why = _why_not(answer)
    return f"metrics were not pushed to {url}: {why}" if why else ""


def group_of(environment: str) -> str:
    """The path of the group of an environment; what a path cannot hold is in base64."""
    if _PLAIN.fullmatch(environment):
        return f"/metrics/job/{_JOB}/environment/{environment}"
    encoded = base64.urlsafe_b64encode(environment.encode("utf-8", "replace")).decode() or "="
    return f"/metrics/job/{_JOB}/environment@base64/{encoded}"


async def _post(url: str, headers: Headers, run: JudgedRun, settings: Settings) -> Answer:
    transport = CurlTransport(
        ca_file=settings.ca_file, max_reply_bytes=_MOST_BYTES, max_connections=1
    )
    about = [("Content-Type", CONTENT_TYPE), ("User-Agent", f"smokegate/{__version__}")]
    try:
        return await transport.send(
            Request(
                method="POST",
                url=url,
                headers=[*about, *headers],
                body=exposition(gauges(run)),
                timeout_s=_WITHIN_S,
            )
        )
    finally:
        await transport.close()


def _without_credentials(url: str) -> tuple[str, Headers]:
    """A URL that may be shown, and the header that its user and password go into."""
    parts = urlsplit(url.rstrip("/"))
    login, at, host = parts.netloc.rpartition("@")
    shown = parts._replace(netloc=host).geturl()
    if not at:
        return shown, []
    encoded = base64.b64encode(unquote(login).encode()).decode()
    return shown, [("Authorization", f"Basic {encoded}")]


def _why_not(answer: Answer) -> str:
    """Why a push did not arrive; empty if it did."""
    if answer.failure:
        return WORDS[answer.failure.kind].summary
    if answer.status and answer.status // 100 == 2:  # noqa: PLR2004 - 2xx
        return ""
    said = one_line(answer.body.decode("utf-8", "replace"), _SHOWN_CHARS)
    return f"status {answer.status}" + (f": {said}" if said else "")
