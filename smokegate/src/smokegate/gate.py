"""One verification from end to end: plan, run, judge."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from smokegate import __version__, baseline, journal, places
from smokegate.client import Session
from smokegate.client.curl import CurlTransport
from smokegate.control_run import Earlier, Samples
from smokegate.engine import Engine, Event, Keeper, Plan, in_loop, sweep_one
from smokegate.errors import JournalError, UsageError
from smokegate.resources import Remover
from smokegate.results import JudgedRun, Run
from smokegate.seal import sealed
from smokegate.settings import DEFAULT_URL, Settings
from smokegate.verdict import judge
from smokegate.watchdog import GiveUp, Watchdog

_DEFAULT_PROBE_S = 2.0
_LONGEST_CLOSING_S = 10.0  # for ending tasks that refuse to, and for connections and the journal
TOOL = f"smokegate/{__version__}"


def verify(
    settings: Settings,
    load_plan: Callable[[], Plan],
    listen: Callable[[Event], None],
    *,
    suites: list[str],
    give_up: GiveUp,
    earlier: Earlier | None = None,
    behind: Settings | None = None,
    prepare: Callable[[Session], None] = lambda _: None,
    keeper: Keeper | None = None,
    run_id: str = "",
    told: Callable[[], str] = lambda: "",
) -> JudgedRun:
    """Verify the target and judge what was seen, beside what was seen earlier.

    `suites` are the paths in which `sweep` would find the removers again. SIGINT, SIGTERM and
    SIGHUP end the run as inconclusive, after its clean-up; `give_up` is called with the reason,
    and ends the process, if a check does not let the run end. Raises `UsageError` where there is
    no target or the suites cannot be planned. `behind` names the target where `settings` lead to
    something in front of it: that is where `sweep` removes what is left. `prepare` gets the session
    before anything is sent. `keeper` holds what is not to be made anew and removed by each run;
    `release` removes it. A run that is a part of another is told its `run_id`. `told` names the
    signal that came before the run could hear of it, if one did.
    """
    refuse_no_target(settings)
    plan = load_plan()
    with Watchdog(longest_s(settings), give_up, told) as watchdog:
        return in_loop(
            lambda: verified(
                settings,
                plan,
                listen,
                suites,
                interrupting=watchdog.interrupting,
                earlier=earlier or Earlier(),
                swept=behind or settings,
                prepare=prepare,
                keeper=keeper,
                run_id=run_id,
            )
        )


async def verified(
    settings: Settings,
    plan: Plan,
    listen: Callable[[Event], None],
    suites: list[str],
    *,
    interrupting: Callable[[Callable[[str], None]], AbstractContextManager[None]],
    earlier: Earlier,
    swept: Settings,
    prepare: Callable[[Session], None] = lambda _: None,
    run_id: str = "",
    keeper: Keeper | None = None,
) -> JudgedRun:
    """Verify in the loop that runs, beside whatever else does; see `verify`.

    `interrupting` is entered for as long as the run lasts, with what ends it early.
    """
    run = await _run(
        settings,
        plan,
        listen,
        suites,
        interrupting=interrupting,
        compared=earlier.compared_samples,
        swept=swept,
        prepare=prepare,
        run_id=run_id or new_run_id(),
        keeper=keeper,
    )
    return judged(run, settings, earlier)


def judged(run: Run, settings: Settings, earlier: Earlier) -> JudgedRun:
    """Judge a run beside what was seen earlier, and seal it."""
    run = msgspec.structs.replace(run, baseline=earlier.baseline, earlier_samples=earlier.samples)
    run = msgspec.structs.replace(run, notes=[*run.notes, *baseline.notes(run)])
    return sealed(JudgedRun(**_fields(run), verdict=judge(run)), settings.signing_key)


async def _run(
    settings: Settings,
    plan: Plan,
    listen: Callable[[Event], None],
    suites: list[str],
    *,
    interrupting: Callable[[Callable[[str], None]], AbstractContextManager[None]],
    compared: Samples,
    swept: Settings,
    prepare: Callable[[Session], None],
    run_id: str,
    keeper: Keeper | None,
) -> Run:
    folder = journal.folder(settings.journal)
    book = journal.Journal(
        folder,
        journal.Header(
            run_id=run_id,
            url=swept.url,
            ca_file=swept.ca_file,
            suites=suites,
            password_check=_password_check(settings, run_id),
        ),
    )
    known = places.known(folder, settings.url)
    session = _session(settings, run_id, book, known)
    session.earlier_samples = compared
    prepare(session)
    engine = Engine(plan, session, book, listen, tool=TOOL, keeper=keeper)
    try:
        with interrupting(engine.interrupt):
            run = await engine.run()
    finally:
        await session.transport.close()
        if keeper is None or keeper.book is not book:
            book.close()
    note = places.remember(folder, settings.url, session.standing.let_in_from - known)
    return msgspec.structs.replace(run, notes=[*run.notes, note]) if note else run


def release(
    settings: Settings, book: journal.Journal, removers: dict[str, Remover], *, limit_s: float
) -> list[str]:
    """Remove what was kept beyond its run; give a line for each thing that is still there.

    `book` is what the keeper gave up. What is left is for `sweep`.
    """

    async def remove() -> list[str]:
        limited = msgspec.structs.replace(settings, cleanup_timeout_s=limit_s)
        session = _session(limited, book.run_id, book)
        try:
            async with asyncio.timeout(limit_s):
                return await sweep_one(book, removers, session)
        except TimeoutError:
            return [f"{each.kind} {each.name}: no time left" for each in book.pending]
        finally:
            await session.transport.close()

    try:
        return in_loop(remove)
    finally:
        book.close()


def sweep(
    settings: Settings,
    removers_of: Callable[[list[str]], dict[str, Remover]],
    *,
    only_at: str,
    tell: Callable[[str], None],
) -> list[str]:
    """Remove what dead runs left, at one target or at all; give a line for each thing still there.

    `tell` hears what is being done.
    """
    left: list[str] = []
    for dead in journal.abandoned(journal.folder(settings.journal)):
        if isinstance(dead, JournalError):
            left.append(str(dead))
            continue
        if only_at and dead.header.url != only_at:
            dead.close()
            continue
        if dead.pending:
            tell(f"removing what run {dead.header.run_id} left at {dead.header.url} ...")
        try:
            left += in_loop(partial(_sweep, settings, dead, removers_of(dead.header.suites)))
        except UsageError as error:
            left.append(f"{dead.path}: {error}")
        finally:
            dead.close()
    return left


async def _sweep(
    settings: Settings, dead: journal.Abandoned, removers: dict[str, Remover]
) -> list[str]:
    run_id = dead.header.run_id
    if dead.pending and dead.header.password_check != _password_check(settings, run_id):
        return [f"accounts of run {run_id}: TEST_PASSWORD is not the one that they were made with"]
    theirs = msgspec.structs.replace(
        settings,
        url=dead.header.url,
        ca_file=settings.ca_file or dead.header.ca_file,
    )
    session = _session(theirs, run_id, journal.Journal(Path(), dead.header))
    try:
        left = await sweep_one(dead, removers, session)
    finally:
        await session.transport.close()
    return [f"{line} (at {dead.header.url}, run {run_id})" for line in left]


def _session(
    settings: Settings,
    run_id: str,
    creations: journal.Journal,
    let_in_from: frozenset[str] = frozenset(),
) -> Session:
    refuse_unreadable_authority(settings.ca_file)
    return Session(
        settings=settings,
        transport=CurlTransport(
            ca_file=settings.ca_file,
            proxy=settings.proxy,
            max_reply_bytes=settings.max_reply_bytes,
            max_connections=settings.max_connections,
        ),
        creations=creations,
        run_id=run_id,
        user_agent=TOOL,
        started=asyncio.get_running_loop().time(),
        let_in_from=let_in_from,
    )


def refuse_unreadable_authority(ca_file: str) -> None:
    """Raise `UsageError` if a file of trusted certificates is given and holds none."""
    if not ca_file:
        return
    try:
        ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = (
            "it holds no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        )
        raise UsageError(f"ca_file: {ca_file} cannot be used: {reason}") from None


def _password_check(settings: Settings, run_id: str) -> str:
    return hashlib.sha256(f"{run_id}/{settings.test_password}".encode()).hexdigest()[:4]


def new_run_id() -> str:
    """Make up the id of a run: its second in UTC, and six digits that set it apart."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + "-" + os.urandom(3).hex()


def refuse_no_target(settings: Settings) -> None:
    """Raise `UsageError` if no target was named and nothing listens at the default."""
    if settings.url_given:
        return
    try:
        socket.create_connection(("localhost", 8000), _DEFAULT_PROBE_S).close()
    except OSError:
        raise UsageError(
            f"no target: set PRODUCTION_URL or give --url (nothing answers at {DEFAULT_URL})"
        ) from None


def longest_s(settings: Settings) -> float:
    """How long a run may take whose checks let it end."""
    return (
        settings.wait_s + settings.run_timeout_s + settings.cleanup_timeout_s + _LONGEST_CLOSING_S
    )


def _fields(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in Run.__struct_fields__}
