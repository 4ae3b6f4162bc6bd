"""What alerts remember between runs: incidents, and what is still to be told, in the history.

A run and its notices come in together, in one transaction that no other runner is in. Whoever sends
takes all that waits of an incident for itself for a while: so everything arrives in order, and a
runner that dies in the middle is taken over from.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, select, update

from smokegate.history import tables
from smokegate.history.dialects import insert_into
from smokegate.history.rows import storable, storable_text
from smokegate.history.store import Store
from smokegate.notify.incidents import Incident
from smokegate.notify.notice import Kind, Notice
from smokegate.results import Action

_TAKEN_FOR_MS = 30_000  # much longer than anybody sends
_LONGEST_MS = 3_600_000  # that clocks of runners may differ
_KEPT_FOR_MS = 7 * 86_400_000
_MOST_AT_ONCE = 100
_incidents, _notices = tables.incidents, tables.notices


class Waiting(NamedTuple):
    """A notice that is to be sent to a channel; `row` is its number in the ledger."""

    row: int
    channel: str
    notice: Notice
    may_be_there: bool


def held(connection: Connection, key: str) -> Incident:
    """An incident as it stands; nobody else changes it before the transaction ends."""
    nothing = {"key": key, "sender": "", "sends_until_ms": 0, **_row(Incident(key=key))}
    statement = insert_into(connection, _incidents).values(nothing)
    connection.execute(statement.on_conflict_do_nothing())
    found = select(_incidents).where(_incidents.c.key == key).with_for_update()
    return _incident(connection.execute(found).one())


def keep(connection: Connection, incident: Incident) -> None:
    """Keep how an incident stands."""
    connection.execute(
        update(_incidents).where(_incidents.c.key == incident.key).values(_row(incident))
    )


def add(connection: Connection, notice: Notice, channels: Iterable[str]) -> None:
    """Have a notice told to some channels; one that is there already is not added again."""
    for channel in channels:
        row = {
            "notice_id": notice.id,
            "incident": notice.key,
            "channel": channel,
            "kind": notice.kind.value,
            "made_ms": _now_ms(),
            "content": storable_text(msgspec.json.encode(notice).decode()),
            "may_be_there": False,
        }
        statement = insert_into(connection, _notices).values(row)
        connection.execute(statement.on_conflict_do_nothing())


def end(connection: Connection, key: str, channels: Sequence[str]) -> list[str]:
    """Drop what waits of an incident that is over; the channels that never heard that it began.

    Where it is not known whether they did, they count as if they had.
    """
    of_it = (_notices.c.incident == key, _notices.c.kind != Kind.DEPLOYED.value)
    never_sent = select(_notices.c.channel).where(
        *of_it, _notices.c.kind == Kind.OPENED.value, ~_notices.c.may_be_there
    )
    unheard = set(connection.execute(never_sent).scalars())
    connection.execute(delete(_notices).where(*of_it, _notices.c.kind != Kind.RESOLVED.value))
    return [each for each in channels if each in unheard]


def take(store: Store, sender: str, key: str, channels: Sequence[str]) -> list[Waiting]:
    """Take what waits of an incident for some channels, unless somebody else sends of it now."""
    now_ms = _now_ms()
    waits = (_notices.c.incident == key) & _notices.c.channel.in_(channels)
    free = (_incidents.c.key == key) & _is_free(sender, now_ms)
    mine = {"sender": sender, "sends_until_ms": now_ms + _TAKEN_FOR_MS}
    with store.transaction() as connection:
        connection.execute(delete(_notices).where(_notices.c.made_ms < now_ms - _KEPT_FOR_MS))
        if not connection.execute(select(_incidents.c.key).where(free).with_for_update()).first():
            return []
        found = select(_notices).where(waits).order_by(_notices.c.id).limit(_MOST_AT_ONCE)
        rows = list(connection.execute(found))
        if rows:
            connection.execute(update(_incidents).where(_incidents.c.key == key).values(mine))
            # From here on it may arrive, whatever becomes of this process.
            these = _notices.c.id.in_([row.id for row in rows])
            connection.execute(update(_notices).where(these).values(may_be_there=True))
    return [each for row in rows if (each := _waiting(row))]


def give_back(
    store: Store, sender: str, gone: Iterable[int], surely_not_there: Iterable[int]
) -> None:
    """Drop what is told, and let others send the rest."""
    mine = select(_incidents.c.key).where(_incidents.c.sender == sender)
    with store.transaction() as connection:
        keys = connection.execute(mine.order_by(_incidents.c.key).with_for_update()).scalars().all()
        connection.execute(delete(_notices).where(_notices.c.id.in_(list(gone))))
        unsent = _notices.c.id.in_(list(surely_not_there)) & _notices.c.incident.in_(keys)
        connection.execute(update(_notices).where(unsent).values(may_be_there=False))
        connection.execute(
            update(_incidents)
            .where(_incidents.c.sender == sender)
            .values(sender="", sends_until_ms=0)
        )


def take_over(store: Store, other: Store) -> None:
    """Take in what was kept elsewhere while this ledger was away."""
    with other.transaction() as elsewhere:  # which nobody else does meanwhile
        there = elsewhere.execute(select(_incidents).order_by(_incidents.c.key)).all()
        unsent = elsewhere.execute(select(_notices).order_by(_notices.c.id)).all()
        with store.transaction() as connection:
            for row in there:
                newer = _incident(row)
                keep(connection, _merged(held(connection, newer.key), newer))
            for row in unsent:
                columns = {name: value for name, value in row._mapping.items() if name != "id"}
                statement = insert_into(connection, _notices).values(columns)
                connection.execute(statement.on_conflict_do_nothing())
        for table in (_notices, _incidents):
            elsewhere.execute(delete(table))


def _merged(older: Incident, newer: Incident) -> Incident:
    """One that was open before stays it, and whoever heard of it then has heard."""
    if not (older.action and newer.action):
        return older if older.action else newer
    worst = max(older.action, newer.action, key=lambda each: each.severity)
    return msgspec.structs.replace(
        newer,
        action=worst,
        opened_ms=min(older.opened_ms, newer.opened_ms),
        bad_runs=older.bad_runs + newer.bad_runs,
        told=tuple(dict.fromkeys((*older.told, *newer.told))),
    )


def _is_free(sender: str, now_ms: int) -> ColumnElement[bool]:
    """Whether nobody else sends of an incident; who took it for hours had another clock."""
    until_ms = _incidents.c.sends_until_ms
    return (_incidents.c.sender == sender) | ~until_ms.between(now_ms, now_ms + _LONGEST_MS)


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        key=row.key,
        action=Action(row.action) if row.action else None,
        opened_ms=row.opened_ms,
        bad_runs=row.bad_runs,
        told=tuple(json.loads(row.told)),
        told_ms=row.told_ms,
        version=row.version,
        run_id=row.run_id,
    )


def _row(incident: Incident) -> dict[str, Any]:
    row = {
        "action": incident.action.value if incident.action else "",
        "opened_ms": incident.opened_ms,
        "bad_runs": incident.bad_runs,
        "told": json.dumps(incident.told),
        "told_ms": incident.told_ms,
        "version": incident.version,
        "run_id": incident.run_id,
    }
    return storable(_incidents, row)


def _waiting(row: Row[Any]) -> Waiting | None:
    """A row as it is to be sent; None for one of another version, which can say what it means."""
    try:
        notice = msgspec.json.decode(row.content, type=Notice)
    except msgspec.DecodeError:
        return None
    return Waiting(row.id, row.channel, notice, row.may_be_there)


def _now_ms() -> int:
    return round(time.time() * 1000)
