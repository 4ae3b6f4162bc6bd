"""A notice in words, as every channel that people read has them."""

from __future__ import annotations

from smokegate.notify.notice import Kind, Notice
from smokegate.reports.wording import several

_BEFORE_THE_VERDICT = {
    Kind.OPENED: "",
    Kind.WORSE: "Worse now, ",
    Kind.STILL: "Still ",
    Kind.RESOLVED: "Resolved, ",
    Kind.TEST: "",
}


def headline(notice: Notice) -> str:
    """The verdict line, with what is new about it in front."""
    if notice.kind is Kind.DEPLOYED:
        where = f"{notice.target} ({notice.environment})"
        return f"{where}: version {notice.version} after {notice.version_before}. {notice.title}"
    return _BEFORE_THE_VERDICT[notice.kind] + notice.title


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
