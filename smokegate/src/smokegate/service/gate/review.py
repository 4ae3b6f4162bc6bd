"""What GitHub is told of an order: a review of a protection rule, or a status of a deployment.

https://docs.github.com/en/rest/actions/workflow-runs and .../rest/deployments/statuses
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException

from smokegate.service.gate.order import INCONCLUSIVE, OPENING, RUNNING, Order, Review

_COMMENT_CHARS = 1_024
_DESCRIPTION_CHARS = 140
_RULE = re.compile(
    r"/repos/[A-Za-z0-9-]{1,100}/(?!\.+/)[A-Za-z0-9_.-]{1,100}/actions/runs/[0-9]{1,20}"
    r"/deployment_protection_rule"
)

Body = dict[str, Any]


def rule_of(api: str, url: str, environment: str, installation: int) -> Review:
    """The review that a protection rule asks for; raises `HTTPException` for a URL not GitHub's."""
    if not url.startswith(api) or not _RULE.fullmatch(url[len(api) :]):
        wrong = f"deployment_callback_url: it is no protection rule at {api}."
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, wrong)
    return Review(url=url, environment=environment, installation=installation)


def status_of(api: str, owner: str, name: str, deployment: str) -> Review:
    """The statuses of a deployment."""
    repository = f"{owner}/{name}"
    url = f"{api}/repos/{repository}/deployments/{deployment}/statuses"
    return Review(url=url, repository=repository)


def body_of(order: Order, review: Review, link: str, target_url: str) -> Body | None:
    """What is sent of an order as it is; None where there is nothing to say yet.

    Where the answer is missing, a rule gets a report without a state: it neither approves nor
    rejects, so the deployment waits for somebody to decide.
    """
    if review.environment:
        return _reviewed(order, review, link) if order.has_ended else None
    return _status(order, link, target_url)


def _reviewed(order: Order, review: Review, link: str) -> Body:
    body: Body = {"environment_name": review.environment, "comment": _comment(order, link)}
    if order.verdict != INCONCLUSIVE:
        body["state"] = "approved" if order.verdict in OPENING else "rejected"
    return body


def _comment(order: Order, link: str) -> str:
    """The verdict in Markdown; what a target may have said stands as code."""
    reason = order.reason.replace("`", "'")[: _COMMENT_CHARS // 2]
    where = f"\n\n[{order.run_id}]({link})" if link and order.run_id else ""
    return f"smokegate: **{order.verdict}**: `{reason}`{where}"[:_COMMENT_CHARS]


def _status(order: Order, link: str, target_url: str) -> Body:
    words = order.action if order.action == RUNNING else f"{order.verdict}: {order.reason}"
    urls = {"log_url": link, "environment_url": target_url}
    return {
        "state": _state(order),
        "description": words[:_DESCRIPTION_CHARS],
        "auto_inactive": False,
        **{name: url for name, url in urls.items() if url},
    }


def _state(order: Order) -> str:
    if order.action == RUNNING:
        return "in_progress"
    if order.verdict == INCONCLUSIVE:
        return "error"
    return "success" if order.verdict in OPENING else "failure"
