"""What the API answers: each function gets the question, its parameters, and a body if it has one.

The first line of its docstring is what the API's description says of it.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from starlette.exceptions import HTTPException

from smokegate.errors import UsageError
from smokegate.history import deployments, detection, digest, outcomes, queries, trends
from smokegate.history.labels import set_label
from smokegate.history.rows import milliseconds, moment
from smokegate.service.api.types import (
    Checks,
    Deployment,
    DeploymentGiven,
    Deployments,
    Label,
    LabelGiven,
    Results,
)
from smokegate.service.asked import (
    Deployed,
    Listed,
    Nothing,
    OneCheck,
    OneRun,
    Part,
    Place,
    Question,
    Window,
)
from smokegate.service.glances import Overview, glances
from smokegate.settings import check_url, is_moment

T = TypeVar("T")


def overview(question: Question, asked: Window) -> Overview:
    """Every environment at a glance."""
    return glances(question.connection, asked.since_ms(question.now_ms))


def runs(question: Question, asked: Listed) -> queries.Page:
    """Runs, the newest first; `next_before` asks for the next page as `before`."""
    return queries.runs(
        question.connection,
        environment=asked.environment,
        action=asked.verdict,
        before=asked.before,
        limit=asked.limit,
    )


def run(question: Question, asked: OneRun) -> queries.RememberedRun:
    """One run with all that is kept of it."""
    found = queries.run(question.connection, asked.run_id)
    if found is None:
        raise no_run(asked.run_id)
    return found


def no_run(run_id: str) -> HTTPException:
    """That a run is not there."""
    return HTTPException(HTTPStatus.NOT_FOUND, f"There is no run {run_id}.")


def put_label(question: Question, asked: OneRun, given: LabelGiven) -> Label:
    """Say what a verdict was worth, in place of what was said before."""
    author = question.visitor.name or given.author
    label(question, asked.run_id, given.label, given.note, author)
    return Label(run_id=asked.run_id, label=given.label, note=given.note, author=author)


def delete_label(question: Question, asked: OneRun) -> None:
    """Take the label of a run away."""
    label(question, asked.run_id, "")


def label(question: Question, run_id: str, words: str, note: str = "", author: str = "") -> None:
    """Label a run; empty words take the label away.

    Raises `HTTPException` for a run that is not there, and for what its verdict cannot be.
    """
    if queries.run_ids(question.connection, run_id) != [run_id]:
        raise no_run(run_id)
    try:
        set_label(question.connection, run_id, words, note, author=author)
    except UsageError as error:
        raise HTTPException(HTTPStatus.CONFLICT, f"{error}.") from None


def checks(question: Question, asked: Part) -> Checks:
    """Every check: how often it passed, and how long it took."""
    there = trends.check_tallies(
        question.connection,
        environment=asked.environment,
        since_ms=asked.since_ms(question.now_ms),
    )
    suite = f"{asked.suite}." if asked.suite else ""
    return Checks(checks=[each for each in there if each.check.startswith(suite)])


def check(question: Question, asked: OneCheck) -> digest.CheckDigest:
    """The measures of one check, as a whole and by day."""
    return known_check(question, asked, digest.check_digest)


def results(question: Question, asked: OneCheck) -> Results:
    """How one check ended in the last 200 runs, and what did not hold in the last ten failures."""
    return Results(results=known_check(question, asked, outcomes.endings))


def known_check(question: Question, asked: OneCheck, ask: Callable[..., T]) -> T:
    """Ask something of a check.

    Raises `HTTPException` for one that is not there.
    """
    if digest.check_ids(question.connection, asked.check_id) != [asked.check_id]:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"There is no check {asked.check_id}.")
    since_ms = asked.since_ms(question.now_ms)
    return ask(
        question.connection, asked.check_id, environment=asked.environment, since_ms=since_ms
    )


def measures(question: Question, asked: Place) -> digest.Digest:
    """All measures of an environment, as a whole and by day."""
    since_ms = asked.since_ms(question.now_ms)
    return digest.digest(question.connection, environment=asked.environment, since_ms=since_ms)


def deployments_of(question: Question, asked: Deployed) -> Deployments:
    """Deployments, the newest first, with the verdicts that came of them."""
    there = detection.deployments(
        question.connection,
        environment=asked.environment,
        since_ms=asked.since_ms(question.now_ms),
        limit=asked.limit,
    )
    return Deployments(deployments=there)


def post_deployment(question: Question, asked: Nothing, given: DeploymentGiven) -> Deployment:
    """Mark that a version was deployed; twice is once."""
    del asked
    try:
        deployed_ms = _deployed_ms(given.deployed_at, question.now_ms)
        target = check_url(given.target, "target")
        version = {"environment": given.environment, "target": target, "version": given.version}
        deployments.mark(question.connection, **version, deployed_ms=deployed_ms)
    except UsageError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"{error}.") from None
    return Deployment(**version, deployed_at=moment(deployed_ms))


def _deployed_ms(text: str, now_ms: int) -> int:
    if not text:
        return now_ms
    if not is_moment(text):
        raise UsageError("deployed_at: not a moment such as 2026-01-31T12:00:00Z")
    return milliseconds(text)
