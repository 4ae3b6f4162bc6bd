"""Labels: what a person says of a verdict once the truth is known."""

from __future__ import annotations

import time

from sqlalchemy import Connection, select

from smokegate.errors import UsageError
from smokegate.history import tables
from smokegate.history.dialects import insert_into
from smokegate.history.measures import CLOSES, FALSE_ALARM, MISSED, OPENS, TRUE_ALARM
from smokegate.history.rows import storable

LABELS = (FALSE_ALARM, TRUE_ALARM, MISSED)
_OF_WHAT = {FALSE_ALARM: CLOSES, TRUE_ALARM: CLOSES, MISSED: OPENS}
NOTE_CHARS = 2_000


def set_label(
    connection: Connection, run_id: str, label: str, note: str = "", *, author: str = ""
) -> None:
    """Label a run, in place of the label that it has; an empty one takes that away.

    `author` is who says so, as far as that is known. Raises `UsageError` for a run that is not
    there, and for a label that its verdict cannot have.
    """
    there = tables.labels
    key = _key_of(connection, run_id, label)
    if not label:
        connection.execute(there.delete().where(there.c.run == key))
        return
    now_ms = round(time.time() * 1000)
    said = {"label": label, "note": note[:NOTE_CHARS], "labelled_ms": now_ms, "author": author}
    statement = insert_into(connection, there).values(run=key, **storable(there, said))
    given = {name: statement.excluded[name] for name in said}
    connection.execute(statement.on_conflict_do_update(index_elements=[there.c.run], set_=given))


def _key_of(connection: Connection, run_id: str, label: str) -> int:
    there = tables.runs
    columns = select(there.c.id, there.c.action, there.c.partial)
    row = connection.execute(columns.where(there.c.run_id == run_id)).first()
    if row is None:
        raise UsageError(f"there is no run {run_id}")
    trouble = _misfit(row.action, row.partial, label)
    if trouble:
        raise UsageError(f"run {run_id} {trouble}")
    return int(row.id)


def _misfit(action: str, partial: bool, label: str) -> str:
    """Why a verdict cannot have a label; empty if it can."""
    if label and label not in LABELS:
        return f"cannot be labelled {label!r}: say {', '.join(LABELS)}"
    if label and partial:
        return "has only a part of the checks: its verdict counts as none"
    if not label or action in _OF_WHAT[label]:
        return ""
    if label == MISSED:
        return f"came to {action}: only a verdict that opened the gate can have missed something"
    return f"came to {action}: only investigate and rollback are alarms"
