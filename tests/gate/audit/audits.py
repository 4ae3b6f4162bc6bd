"""A small audit made by hand, with something of everything that there is to show."""

from __future__ import annotations

from typing import Any

import msgspec
from smokegate.audit.mutants import EVERYWHERE, Family, Layer, Mutant
from smokegate.audit.overcatching import OverCatch
from smokegate.audit.report import Audit, Survivor, audit_of
from smokegate.audit.trials import Catch, Fate, Finding

LOGIN = "workflows.test_user_login_flow"
CUBES = "workflows.test_lattice_creation_flow"
RUNNING = "health.test_api_server_running"
HEADERS = "health.test_security_headers"
CHECKS = [RUNNING, HEADERS, LOGIN, CUBES, "health.test_idle", "health.test_clock_skew"]
OWNERS = {
    "POST /api/auth/login": ["member", LOGIN],
    "GET /api/lattices/{}": [CUBES],
    "GET /health": [RUNNING, HEADERS],
}
# What would catch each survivor, as far as these audits go.
LINES = {
    "expires_in changed": 'expect(reply).json("expires_in", equals=...)',
    "expires_in": 'reply.read(int, "expires_in")',
    "refresh_token": 'reply.read(str, "refresh_token")',
    "tags": 'expect(reply).that("it has all tags", reply.each(list, "items", "tags") == [...])',
    "x-frame-options": 'expect(reply).header("X-Frame-Options", has="...")',
}
OTHER_LINE = "reply.read(...)  # a struct with the members that users rely on"


def audit(**about: Any) -> Audit:
    """The audit; `about` says otherwise what is told of the recording."""
    known: dict[str, object] = {
        "tool": "smokegate/0.1.0",
        "target": "https://shop.example",
        "recorded_at": "2026-11-25T17:45:47.054Z",
        "exchanges": 24,
        "seconds": 0.004,
        "record_seconds": 2.5,
        "processes": 2,
    }
    made = audit_of(
        [*_of_login(), *_of_lattices(), *_of_health(), *_declared(), *_replies()],
        checks=CHECKS,
        owners=OWNERS,
        over_catching=[OverCatch("headers added by a proxy", HEADERS, "Server-Timing is there")],
        excluded={"health.test_clock_skew": "it asks otherwise each time"},
        value_at=lambda _: "it",
        left={"* detail changed": "words for people"},
        about={**known, **about},
    )
    return msgspec.structs.replace(
        made, survivors=[_with_its_line(each) for each in made.survivors]
    )


def _with_its_line(survivor: Survivor) -> Survivor:
    line = next((line for sign, line in LINES.items() if sign in survivor.fault), OTHER_LINE)
    return msgspec.structs.replace(survivor, write=line)


def empty() -> Audit:
    """An audit of a recording in which nothing could be broken."""
    return msgspec.structs.replace(
        audit_of(
            [],
            checks=[],
            owners={},
            over_catching=[],
            excluded={},
            left={},
            value_at=lambda _: None,
            about={
                **dict.fromkeys(("tool", "target", "recorded_at"), ""),
                **dict.fromkeys(("exchanges", "seconds", "record_seconds", "processes"), 0),
            },
        ),
        target="https://idle.example",
    )


def catch(check: str, by: str, consequence: str = "rollback", **more: Any) -> Catch:
    return Catch(check, by, consequence, **more)


def finding(
    layer: Layer,
    operator: str,
    endpoint: str,
    *catches: Catch,
    fate: Fate | None = None,
    verdict: str = "proceed",
    rule: str = "",
    family: Family = "endpoint",
    **more: Any,
) -> Finding:
    mutant = Mutant(family=family, layer=layer, operator=operator, endpoint=endpoint, **more)
    known: Fate = fate or ("caught" if catches else "survived")
    return Finding(mutant=mutant, fate=known, catches=list(catches), verdict=verdict, rule=rule)


def _of_login() -> list[Finding]:
    at = "POST /api/auth/login"
    return [
        finding(
            "transport",
            "refused",
            at,
            catch(LOGIN, "it is answered", "share"),
            catch(CUBES, "blocked by member: connection refused", "share", through="member"),
            verdict="rollback",
        ),
        finding("status", "status 500", at, catch(LOGIN, "status is 200"), verdict="rollback"),
        finding("field", "removed", at, catch(LOGIN, "token is there"), path=("token",)),
        finding("field", "changed", at, path=("expires_in",)),
        finding("field", "null", at, path=("expires_in",)),
        finding("field", "removed", at, path=("expires_in",)),
        finding("field", "blank", at, fate="undecided", path=("refresh_token",)),
    ]


def _of_lattices() -> list[Finding]:
    at = "GET /api/lattices/{}"
    crash = catch(CUBES, "KeyError: 'items'", "share", accidental=True)
    return [
        finding("body", "empty", at, crash, fate="accident", verdict="inconclusive"),
        finding("field", "changed", at, catch(CUBES, "name is 'cube'"), path=("name",)),
        finding("field", "emptied", at, path=("items", "*", "tags")),
    ]


def _of_health() -> list[Finding]:
    at = "GET /health"
    both = [catch(RUNNING, "status is 200"), catch(HEADERS, "status is 200")]
    slow = catch(RUNNING, "it is answered within 5 s", "warn")
    return [
        finding("status", "status 404", at, *both, verdict="rollback"),
        finding("latency", "slow", at, slow),
        finding("header", "removed", EVERYWHERE, path=("x-frame-options",)),
        finding("header", "changed", EVERYWHERE, fate="equivalent", rule="framing", path=("date",)),
    ]


def _declared() -> list[Finding]:
    def declared(title: str, row: str, *catches: Catch, **more: Any) -> Finding:
        return finding(
            "semantic", title, EVERYWHERE, *catches, family="semantic", declared=row, **more
        )

    by = catch(LOGIN, "status is 401")
    return [
        declared("a wrong password is accepted", "F41", by, verdict="rollback"),
        declared("a write is lost", "F58"),
    ]


def _replies() -> list[Finding]:
    def reply(owner: str, number: int, *catches: Catch) -> Finding:
        return finding(
            "status", "status 500", "GET /health", *catches,
            family="reply", owner=owner, number=number,
        )  # fmt: skip

    return [
        reply(RUNNING, 1, catch(RUNNING, "status is 200")),
        reply(HEADERS, 1),
        reply(HEADERS, 2, catch(HEADERS, "status is 200", "warn")),
        reply("member", 1),
    ]
