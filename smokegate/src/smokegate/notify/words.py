"""A notice in words, as every channel that people read has them."""

from __future__ import annotations

from smokegate.notify.notice import Kind, Notice
from smokegate.reports.wording import several

_BEFORE_THE_VERDICT = {
    Kind.OPENED: "",
    Kind.WORSE: "Worse now, ",
    Kind.STILL: "Still ",
    Kind.RESOLVED: "Resolved, ",
}


def headline(notice: Notice) -> str:
    """The verdict line, with what it is about and what is new in front: a pager shows no more."""
    if notice.kind is Kind.TEST:
        return notice.title
    where = f"{notice.target} ({notice.environment}): "
    if notice.kind is Kind.DEPLOYED:
        return f"{where}version {notice.version} after {notice.version_before}. {notice.title}"
    return f"{where}{_BEFORE_THE_VERDICT[notice.kind]}{notice.title}"


def facts(notice: Notice) -> list[tuple[str, str]]:
    """What a reader has to know first, each with its label; what is not known is left out."""
    rows = [
        ("environment", notice.environment),
        ("target", notice.target),
        ("version", notice.version),
        ("run", notice.run_id),
        ("since", _since(notice)),
    ]
    return [row for row in rows if row[1]]


def _since(notice: Notice) -> str:
    """When the incident began, and how many runs it has lasted; nothing of one that begins."""
    if not notice.since or notice.bad_runs < 2:  # noqa: PLR2004 - more than the first
        return ""
    began = notice.since.partition(".")[0].replace("T", " ").removesuffix("Z")
    return f"{began} UTC, {several(notice.bad_runs, 'failing run')}"
