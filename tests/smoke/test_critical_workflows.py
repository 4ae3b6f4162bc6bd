"""Does it do what people use it for? Each workflow from its beginning to its end."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Callable
from typing import Any

from paths import PUZZLES, Puzzle
from receiver import receiving
from resources import Account, log_in, register, sign_up

from smokegate import (
    INVESTIGATE,
    MONITOR,
    ROLLBACK,
    Client,
    Reply,
    WorkflowSuite,
    consequence,
    expect,
)

ME = "/api/auth/me"
LATTICES = "/api/lattices"
ACROSS = {"start": [0, 0, 0], "end": [4, 4, 4]}


class TestCriticalWorkflows(WorkflowSuite):
    """The share that passes decides, except where trust or the truth of data is at stake."""

    # Connections on which a token must work: they may lead to different instances.
    token_connections: int = 3
    # How long it may take until what was answered shows.
    read_back_wait_s: float = 5.0
    usage_wait_s: float = 5.0
    webhook_wait_s: float = 10.0
    # An address of this machine, "host" or "host:port", at which the target reaches it.
    webhook_receiver: str = ""
    bulk_lattices: int = 50
    bulk_limit_s: float = 5.0

    async def test_user_registration_flow(self, client: Client) -> None:
        """A newcomer registers and is let in; one address makes one account."""
        newcomer = await register(client)
        session = client.with_token(newcomer.token)
        me, renewed, again, in_capitals = await gather(
            session.get(ME),
            session.post("/api/auth/refresh", json={"refresh_token": newcomer.refresh_token}),
            sign_up(client, newcomer.email),
            sign_up(client, newcomer.email.upper()),
        )
        _expect_account(me, newcomer)
        expect(renewed).status(200).json("access_token")
        expect(again).refused()
        expect(in_capitals).refused()

    async def test_user_login_flow(self, client: Client, member: Account) -> None:
        """The right password lets in and no other does; logging out ends it."""
        right, wrong, unknown = await gather(
            log_in(client, member.email),
            log_in(client, member.email, password=client.unique("wrong")),
            log_in(client, client.email()),
        )
        expect(wrong, or_else=ROLLBACK).status(401)
        expect(unknown, or_else=ROLLBACK).refused()
        expect(unknown, or_else=INVESTIGATE).that(
            "an unknown address is refused just as a wrong password is",
            _refusal(unknown) == _refusal(wrong),
            seen=f"{_refusal(unknown)}, not {_refusal(wrong)}",
        )
        expect(right).status(200)
        session = client.with_token(right.read(str, "access_token"))
        _expect_account(await session.get(ME), member)
        expect(await session.post("/api/auth/logout")).succeeded()
        expect(await session.get(ME, fresh=True), or_else=INVESTIGATE).status(401)

    @consequence(ROLLBACK)
    async def test_authenticated_api_access(
        self, client: Client, member: Account, stranger: Account
    ) -> None:
        """Everyone sees what is theirs, and nobody what is another's."""
        mine, theirs = client.with_token(member.token), client.with_token(stranger.token)
        created = await mine.post(LATTICES, json=_lattice(client))
        expect(created).status(201)
        lattice_id, name = created.read(str, "id"), created.read(str, "name")
        *_, swapped = await gather(
            self._see_own(mine, member),
            _stay_out(theirs, lattice_id, member.tenant_id),
            client.with_token(member.refresh_token).get(ME),
        )
        expect(swapped).status(401)
        kept = await self._read_back(mine, f"{LATTICES}/{lattice_id}", "it is kept", _is_there)
        expect(kept).json("name", equals=name)
        _expect_private(kept)

    async def _see_own(self, mine: Client, member: Account) -> None:
        """See one's own account on each of several connections, and no tenant but one's own."""
        tenants, *accounts = await gather(
            mine.get("/api/tenants"),
            *(mine.get(ME, fresh=True) for _ in range(self.token_connections)),
        )
        for reply in accounts:
            _expect_account(reply, member)
            _expect_private(reply)
        expect(tenants).status(200)
        ids = tenants.each(str, "items", "id")
        expect(tenants).that("only their own is listed", ids == [member.tenant_id], seen=ids)

    async def test_subscription_flow(self, client: Client) -> None:
        """A plan is chosen, changed and cancelled, and is then what was asked for."""
        me = client.with_token((await register(client)).token)
        plans, before = await gather(me.get("/api/plans"), me.get("/api/subscriptions"))
        expect(plans).status(200)
        expect(before).status(200)
        first = before.read(str, "plan")
        others = [code for code in plans.each(str, "items", "code") if code != first]
        expect(plans).that("there are two plans more", len(others) >= 2, seen=others)
        expect(await me.post("/api/subscriptions", json={"plan": others[0]})).status(201)
        expect(await me.patch("/api/subscriptions", json={"plan": others[1]})).status(200)
        await self._read_plan(me, others[1])
        expect(await me.delete("/api/subscriptions")).succeeded()
        await self._read_plan(me, first)

    async def _read_plan(self, me: Client, plan: str) -> None:
        """Demand that this plan is in force."""
        await self._read_back(
            me,
            "/api/subscriptions",
            f"the plan is {plan}",
            lambda reply: reply.read(str, "plan") == plan,
        )

    async def test_lattice_creation_flow(self, client: Client, member: Account) -> None:
        """A lattice is kept as it was sent, is listed, and is gone when it is deleted."""
        me, sent = client.with_token(member.token), _lattice(client)
        created = await me.post(LATTICES, json=sent)
        expect(created).status(201)
        lattice_id = created.read(str, "id")
        path = f"{LATTICES}/{lattice_id}"
        kept, listed = await gather(
            self._read_back(me, path, "it is kept", _is_there), me.get(f"{LATTICES}?limit=100")
        )
        for name, value in sent.items():
            expect(kept, or_else=ROLLBACK).json(name, equals=value)
        expect(kept, or_else=ROLLBACK).json("cells", equals=97 * 89 * 83)
        expect(listed).status(200)
        ids = listed.each(str, "items", "id")
        expect(listed).that("it is listed", lattice_id in ids, seen=ids)
        expect(await me.delete(path)).succeeded()
        await self._read_back(me, path, "it is gone", lambda reply: reply.status == 404)

    async def _read_back(
        self, me: Client, path: str, demand: str, holds: Callable[[Reply], bool]
    ) -> Reply:
        """Read until what was done shows: late is to be watched, never is a lost write."""
        first = last = await me.get(path, fresh=True)
        if not holds(first):
            last = await me.poll(
                lambda: me.get(path, fresh=True), until=holds, within_s=self.read_back_wait_s
            )
        for reply, when, means in (last, "", ROLLBACK), (first, " at once", MONITOR):
            expect(reply, or_else=means).that(
                demand + when, holds(reply), seen=f"{reply.status} {reply.text}"
            )
        return last

    async def test_lattice_pathfinding_flow(self, client: Client, member: Account) -> None:
        """Paths are open and as short as can be; where there is none, that is said."""
        me = client.with_token(member.token)
        await gather(*(_solve(me, puzzle) for puzzle in PUZZLES))

    async def test_webhook_registration_flow(self, client: Client, member: Account) -> None:
        """A webhook is registered, tried out with a signed delivery, and removed."""
        me = client.with_token(member.token)
        async with receiving(self.webhook_receiver) as receiver:
            # Nothing here makes this event happen: the test is the only delivery.
            wanted = {"url": receiver.url, "events": ["subscription.changed"]}
            created = await me.post("/api/webhooks", json=wanted)
            expect(created).status(201)
            webhook_id, secret = created.read(str, "id"), created.read(str, "secret")
            path = f"/api/webhooks/{webhook_id}"
            listed, tried = await gather(me.get("/api/webhooks"), me.post(f"{path}/test"))
            expect(listed).that("it is listed", webhook_id in listed.each(str, "items", "id"))
            expect(tried).succeeded()
            deliveries = await me.poll(
                lambda: me.get(f"{path}/deliveries"),
                until=_is_attempted,
                within_s=self.webhook_wait_s,
            )
            expect(deliveries).that(
                "the test delivery is sent", _is_attempted(deliveries), seen=deliveries.text
            )
            if self.webhook_receiver:
                flaw = await receiver.flaw(secret, within_s=self.webhook_wait_s)
                expect(tried).that("a signed delivery arrives", not flaw, seen=flaw)
        expect(await me.delete(path)).succeeded()
        expect(await me.get(path)).status(404)

    async def test_usage_tracking_flow(self, client: Client) -> None:
        """Usage counts what was done, no more and no less."""
        me = client.with_token((await register(client)).token)
        before = _counts(await me.get("/api/usage"))
        created, too = await gather(*(me.post(LATTICES, json=_lattice(client)) for _ in range(2)))
        expect(created).status(201)
        expect(too).status(201)
        found = await me.post(f"{LATTICES}/{created.read(str, 'id')}/pathfind", json=ACROSS)
        expect(found).status(200)
        done = {"calls": 3, "lattices_created": 2, "path_searches": 1}
        wanted = {name: before[name] + count for name, count in done.items()}
        after = await me.poll(
            lambda: me.get("/api/usage"),
            until=lambda usage: _counts(usage) == wanted,
            within_s=self.usage_wait_s,
        )
        for name, count in wanted.items():
            expect(after).json("totals", name, equals=count)

    async def test_error_recovery_flow(self, client: Client, member: Account) -> None:
        """What is wrong is named, and what is right works after that."""
        me, right = client.with_token(member.token), _lattice(client)
        mistakes: dict[str, Any] = {"name": "", "dimensions": [5, -1], "obstacles": [[97, 0, 0]]}
        refusals = await gather(
            *(me.post(LATTICES, json=right | {field: wrong}) for field, wrong in mistakes.items())
        )
        for field, reply in zip(mistakes, refusals, strict=True):
            expect(reply).refused().that(f"{field} is named", field in reply.text, seen=reply.text)
        created = await me.post(LATTICES, json=right)
        expect(created).status(201)
        path = f"{LATTICES}/{created.read(str, 'id')}"
        outside = await me.post(f"{path}/pathfind", json=ACROSS | {"end": [97, 0, 0]})
        expect(outside).refused().that("end is named", "end" in outside.text, seen=outside.text)
        renamed = await me.patch(path, json={"name": "found its way"})
        expect(renamed).status(200).json("name", equals="found its way")

    async def test_bulk_operations_flow(self, client: Client) -> None:
        """Many lattices are made in one go, and all of them are there."""
        # With a tenant of its own: so many would push those of other checks off a page.
        me = client.with_token((await register(client)).token)
        many = [_lattice(client) for _ in range(self.bulk_lattices)]
        made = await me.post(f"{LATTICES}/bulk", json={"lattices": many})
        expect(made).status(201).faster_than(self.bulk_limit_s)
        names = {lattice["name"] for lattice in many}
        await self._read_back(
            me,
            f"{LATTICES}?limit=100",
            "all of them are there",
            lambda reply: names <= set(reply.each(str, "items", "name")),
        )


def _lattice(client: Client) -> dict[str, Any]:
    """A lattice under a name of its own, with letters and numbers that get damaged easily."""
    return {
        "name": client.unique("Gitter 格子 🧊"),
        "description": '\u00e9 is not e\u0301, "quoted" \\ <b>&amp;</b>, 9007199254740993',
        "dimensions": [97, 89, 83],
        "obstacles": [[0, 0, 1], [96, 88, 82]],
    }


async def _stay_out(stranger: Client, lattice_id: str, tenant_id: str) -> None:
    """Try what only the owner may do."""
    path = f"{LATTICES}/{lattice_id}"
    listed, *intrusions = await gather(
        stranger.get(LATTICES),
        stranger.get(path),
        stranger.patch(path, json={"name": "taken over"}),
        stranger.delete(path),
        stranger.get(f"/api/tenants/{tenant_id}"),
    )
    for reply in intrusions:
        expect(reply).that("a stranger gets nothing", reply.status >= 400, seen=reply.status)
    expect(listed).status(200)
    ids = listed.each(str, "items", "id")
    expect(listed).that("who made nothing is listed nothing", not ids, seen=ids)


async def _solve(me: Client, puzzle: Puzzle) -> None:
    """Have the service solve a puzzle, and compare with the solution of our own search."""
    created = await me.post(LATTICES, json=puzzle.lattice(me.unique(puzzle.name)))
    expect(created).status(201)
    ends = {"start": puzzle.start, "end": puzzle.end}
    found = await me.post(f"{LATTICES}/{created.read(str, 'id')}/pathfind", json=ends)
    expect(found).status(200)
    path, shortest = found.read(list[list[int]] | None, "path"), puzzle.shortest()
    answer = expect(found, or_else=ROLLBACK)
    if path is None or shortest is None:
        answer.that("a way is found if there is one", path is None and shortest is None, seen=path)
        answer.json("reachable", equals=False)
        return
    flaw, steps = puzzle.flaw(path), len(path) - 1
    answer.that("the path is a way through", not flaw, seen=flaw)
    answer.that(
        "the path is as short as can be", steps == shortest, seen=f"{steps}, not {shortest}"
    )
    answer.json("length", equals=steps)


def _refusal(reply: Reply) -> tuple[Any, ...]:
    """What a refusal says; without what differs each time, such as ids and times."""
    words = ("type", "title", "detail", "message", "code")
    return (reply.status, *(reply.read(Any, word) for word in words if reply.has(word)))


def _is_there(reply: Reply) -> bool:
    return reply.status == 200


def _expect_account(reply: Reply, account: Account) -> None:
    """Demand this account; a service may write its address in another letter case."""
    expect(reply).status(200)
    email = reply.read(str, "email")
    expect(reply).that("it is their account", email.lower() == account.email.lower(), seen=email)


def _expect_private(reply: Reply) -> None:
    """Demand that no cache gives to others what was asked for with a token (RFC 9111, 3.5)."""
    cache_control = (reply.header("Cache-Control") or "").lower()
    said = {part.partition("=")[0].strip() for part in cache_control.split(",")}
    is_private = bool(said & {"private", "no-store"})
    is_shared = bool(said & {"public", "s-maxage", "must-revalidate"}) and not is_private
    expect(reply).that("no cache may share it", not is_shared, seen=cache_control or "no header")


def _is_attempted(deliveries: Reply) -> bool:
    is_there = deliveries.has("items", 0)
    return is_there and deliveries.read(int, "items", 0, "attempts") > 0


def _counts(usage: Reply) -> dict[str, int]:
    expect(usage).status(200)
    names = ("calls", "lattices_created", "path_searches")
    return {name: usage.read(int, "totals", name) for name in names}
