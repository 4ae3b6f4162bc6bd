"""Faults of what is kept: lost, late, damaged, or not to be written at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from smokegate.fault_proxy import EditBody, EditJson, EditRequest, Fault, Request
from smokegate.results import Action

from tests.system.acted_out.acts import drawn, proxied
from tests.system.acted_out.healthy import clock_off
from tests.system.acted_out.liars import document, late_reads, listing_too_much
from tests.system.acted_out.own_lattices import broken_inside, changed_inside, full_disk
from tests.system.acted_out.rows import Wrong

REGISTRATION = "workflows.test_user_registration_flow"
LATTICES = "workflows.test_lattice_creation_flow"
BULK, RECOVERY = "workflows.test_bulk_operations_flow", "workflows.test_error_recovery_flow"
KEPT = "tenant_id, name, description, dimensions, connectivity, obstacle_count, obstacles"
ONE = r"^/api/lattices/[0-9a-f-]+$"
TABLES = ("users", "tenants", "sessions", "lattices", "webhooks", "subscriptions")


def without_unicode(body: bytes) -> bytes:
    """Lose everything beyond ASCII."""
    return json.dumps(json.loads(body)).encode().replace(b"\\u", b"?")


def rounded(found: Any) -> Any:
    """Keep large numbers to the thousand only."""
    if isinstance(found, dict) and "cells" in found:
        found["cells"] = found["cells"] // 1000 * 1000
    return found


def fewer(request: Request) -> Request:
    """Ask for all but the last of many."""
    return request.with_body(json.dumps({"lattices": document(request)["lattices"][:-1]}).encode())


def first_page(request: Request) -> Request:
    """Ask for the first page, whichever was asked for."""
    return replace(request, target=request.target.partition("&offset=")[0])


def read_only() -> str:
    """SQL after which what is in the tables stays as it is: inserting needs a table that is not."""
    return "".join(
        f"CREATE TRIGGER keep_{table} BEFORE INSERT ON {table} "
        "BEGIN INSERT INTO read_only VALUES (1); END;"
        for table in TABLES
    )


FAULTS = (
    Wrong(
        "F58",
        "lost write",
        "a trigger in the database removes each lattice as soon as it is there",
        (
            changed_inside(
                "CREATE TRIGGER lose AFTER INSERT ON lattices BEGIN "
                "DELETE FROM lattices WHERE number = NEW.number; "
                "INSERT INTO acted VALUES (NULL); END;"
            ),
        ),
        LATTICES,
        Action.ROLLBACK,
    ),
    Wrong(
        "F58b",
        "some of many are not made",
        "a proxy passes on all but the last of what is to be made in one go",
        (proxied(Fault(EditRequest(fewer), path="^/api/lattices/bulk$")),),
        BULK,
        Action.ROLLBACK,
    ),
    Wrong(
        "F58c",
        "what is to be made once is made twice",
        "a trigger in the database makes a second lattice of each that is made alone",
        (
            changed_inside(
                "CREATE TRIGGER double AFTER INSERT ON lattices BEGIN "
                f"INSERT INTO lattices (id, {KEPT}, created_at, updated_at) "
                f"SELECT 'copy-' || id, {KEPT}, created_at, updated_at "
                "FROM lattices WHERE number = NEW.number; "
                "INSERT INTO acted VALUES (NULL); END;"
            ),
        ),
        LATTICES,
        Action.ROLLBACK,
    ),
    Wrong(
        "F59",
        "update ignored",
        "a trigger in the database takes each change of plan back",
        (
            changed_inside(
                "CREATE TRIGGER ignore AFTER UPDATE OF plan ON tenants BEGIN "
                "UPDATE tenants SET plan = OLD.plan WHERE id = OLD.id; "
                "INSERT INTO acted VALUES (NULL); END;"
            ),
        ),
        "workflows.test_subscription_flow",
        Action.ROLLBACK,
    ),
    Wrong(
        "F59b",
        "what was not to be changed is",
        "a trigger in the database clears the description of a lattice that is renamed",
        (
            changed_inside(
                "CREATE TRIGGER clear AFTER UPDATE OF name ON lattices BEGIN "
                "UPDATE lattices SET description = NULL WHERE number = NEW.number; "
                "INSERT INTO acted VALUES (NULL); END;"
            ),
        ),
        RECOVERY,
        Action.ROLLBACK,
    ),
    Wrong(
        "F59c",
        "what is deleted is still listed",
        "a proxy lists every lattice that its owner has made",
        (drawn(lambda _: listing_too_much("^/api/lattices", of_all=False)),),
        LATTICES,
        Action.MONITOR,
    ),
    Wrong(
        "F62",
        "replica lag over SLA",
        "a proxy hides each lattice for 1 s after it was made",
        (drawn(lambda _: late_reads(1.0), read_back_wait_s=5),),
        LATTICES,
        Action.MONITOR,
    ),
    Wrong(
        "F63",
        "DB read-only",
        "every table can be read, and every insert fails",
        (broken_inside(read_only(), "no such table: main.read_only"),),
        REGISTRATION,
        Action.ROLLBACK,
    ),
    Wrong(
        "F64",
        "disk full",
        "the disk that the database lies on is filled while Lattice runs",
        (full_disk,),
        REGISTRATION,
        Action.INVESTIGATE,
    ),
    Wrong(
        "F65",
        "Unicode/number corruption",
        "a proxy damages letters beyond ASCII, and in turn a large number, when a lattice is read",
        (
            proxied(Fault(EditBody(without_unicode), method="GET", path=ONE)),
            proxied(Fault(EditJson(rounded), method="GET", path=ONE)),
        ),
        LATTICES,
        Action.ROLLBACK,
    ),
    Wrong(
        "F65b",
        "times of another zone than they say",
        "a proxy shifts every time in JSON by two hours, and not the Date header",
        (proxied(clock_off(7200)[1]),),
        LATTICES,
        Action.MONITOR,
    ),
    Wrong(
        "F65c",
        "pages repeat and lose what is listed",
        "a proxy asks for the first page of lattices, whichever was asked for",
        (proxied(Fault(EditRequest(first_page), path="&offset=")),),
        BULK,
        Action.MONITOR,
    ),
    Wrong(
        "F83",
        "health green, DB down",
        "the table of users is dropped while Lattice runs",
        (broken_inside("DROP TABLE users", "no such table: users"),),
        REGISTRATION,
        Action.ROLLBACK,
    ),
)
