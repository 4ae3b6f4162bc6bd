"""Does it do what people use it for? Each workflow from its beginning to its end."""

from __future__ import annotations

import re
from asyncio import gather
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from math import prod
from typing import Any

from contract import (
    LATTICES,
    WEBHOOKS,
    Counts,
    Deliveries,
    Lattice,
    Page,
    Plan,
    Problem,
    Queued,
    Subscription,
    Tenant,
    Text,
    Tokens,
    Usage,
    User,
    Way,
    Webhook,
    Webhooks,
    expect_refused,
    expect_same,
)
from msgspec.structs import replace
from paths import PUZZLES, Puzzle
from receiver import receiving
from resources import Account, log_in, register, sign_up
from smokegate.results import Consequence
from strangers import expect_kept_out, see_no_webhook, see_nothing, stay_out

from smokegate import (
    INVESTIGATE,
    MONITOR,
    ROLLBACK,
    WARN,
    Client,
    Reply,
    WorkflowSuite,
    consequence,
    expect,
)

ME = "/api/auth/me"
SUBSCRIPTION = "/api/subscriptions"
SAME_TIME_S = 300.0  # clocks of machines differ a little, time zones by more
MARK = re.compile(r"\S*\d\S*")
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
        refreshing = {"refresh_token": newcomer.tokens.refresh_token}
        me, renewed, *again = await gather(
            session.get(ME),
            session.post("/api/auth/refresh", json=refreshing),
            sign_up(client, newcomer.email),
            sign_up(client, newcomer.email.upper()),
        )
        _expect_account(me, newcomer)
        for reply in again:
            expect(reply, or_else=ROLLBACK).that(
                "one address makes one account", reply.status not in (200, 201), seen=reply.status
            )
            expect_refused(reply)
        expect(renewed).succeeded()
        session = client.with_token(renewed.read(Tokens).access_token)
        _expect_account(await session.get(ME), newcomer)

    async def test_user_login_flow(self, client: Client, member: Account) -> None:
        """The right password lets in and no other does; logging out ends it."""
        right, wrong, unknown = await gather(
            log_in(client, member.email),
            log_in(client, member.email, password=client.unique("wrong")),
            log_in(client, client.email()),
        )
        refusal = _as_told(wrong, expect_refused(wrong, 401, or_else=ROLLBACK))
        other = _as_told(unknown, expect_refused(unknown, or_else=ROLLBACK))
        expect(unknown, or_else=INVESTIGATE).that(
            "an unknown address is refused just as a wrong password is",
            other == refusal,
            seen=f"{other}, not {refusal}",
        )
        expect(right).succeeded()
        _expect_account(right, member, "user")
        tokens = right.read(Tokens)
        session = client.with_token(tokens.access_token)
        _expect_account(await session.get(ME), member)
        expect(await session.post("/api/auth/logout")).succeeded()
        ended = await gather(
            self._read_back(session, ME, "the session has ended", status=401, never=INVESTIGATE),
            client.post("/api/auth/refresh", json={"refresh_token": tokens.refresh_token}),
        )
        for reply in ended:
            is_over = reply.status >= 400
            expect(reply, or_else=INVESTIGATE).that(
                "the session has ended", is_over, seen=reply.status
            )
            expect_refused(reply, 401, or_else=INVESTIGATE)

    @consequence(ROLLBACK)
    async def test_authenticated_api_access(
        self, client: Client, member: Account, stranger: Account
    ) -> None:
        """Everyone sees what is theirs, and nobody what is another's."""
        mine, theirs = client.with_token(member.token), client.with_token(stranger.token)
        created = await mine.post(LATTICES, json=_lattice(client))
        expect(created).succeeded()
        path, name = f"{LATTICES}/{created.read(str, 'id')}", created.read(str, "name")
        # Read by its owner first: what a cache then has, it must give to nobody else.
        kept, _, swapped = await gather(
            self._read_back(mine, path, "it is kept"),
            self._see_own(mine, member),
            client.with_token(member.tokens.refresh_token).get(ME),
        )
        expect(swapped).status(401)
        _expect_private(kept)
        await gather(
            stay_out(client, "who has no token", path),
            see_nothing(theirs, path, member.tenant.id),
        )
        kept = await self._read_back(mine, path, "it is kept")
        expect(kept).json("name", equals=name)

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
        listed = tenants.read(list[Tenant], "items")
        expect(tenants).that("only their own is listed", listed == [member.tenant], seen=listed)

    async def test_subscription_flow(self, client: Client) -> None:
        """A plan is chosen, changed and cancelled, and is then what was asked for."""
        me = client.with_token((await register(client)).token)
        plans, before = await gather(me.get("/api/plans"), me.get(SUBSCRIPTION))
        expect(plans).status(200)
        expect(before).status(200)
        own, offered = before.read(str, "plan"), plans.read(list[Plan], "items")
        offered.sort(key=lambda plan: plan.code != own)
        expect(plans).that("there are three plans", len(offered) >= 3, seen=offered)
        first, second, third = offered[:3]
        _expect_plan(before, first)
        created = await me.post(SUBSCRIPTION, json={"plan": second.code})
        expect(created).succeeded()
        expect(created, or_else=WARN).header("Location", has=SUBSCRIPTION)
        chosen = _expect_plan(created, second, status="active", canceled_at=None)
        changed = await me.patch(SUBSCRIPTION, json={"plan": third.code})
        expect(changed).status(200)
        began = chosen.started_at
        _expect_plan(changed, third, status="active", started_at=began, canceled_at=None)
        await self._read_plan(me, changed)
        ended = await me.delete(SUBSCRIPTION)
        expect(ended).succeeded()
        _expect_plan(ended, first, status="canceled", started_at=began)
        await self._read_plan(me, ended)

    async def _read_plan(self, me: Client, answered: Reply) -> None:
        """Demand that the subscription is in force that was answered."""
        wanted, what = answered.read(Subscription), "the plan is the one that was answered"
        await self._read_back(
            me, SUBSCRIPTION, what, lambda reply: reply.read(Subscription) == wanted
        )

    async def test_lattice_creation_flow(self, client: Client, member: Account) -> None:
        """A lattice is kept as it was sent, is listed, and is gone when it is deleted."""
        me = client.with_token(member.token)
        made = await _make(me, _lattice(client))
        path = f"{LATTICES}/{made.id}"
        kept, listed = await gather(
            self._read_back(me, path, "it is kept"),
            self._read_back(
                me,
                f"{LATTICES}?limit=100",
                "it is listed",
                lambda listed: made.summary in listed.read(Page).items,
                never=None,
            ),
        )
        found = kept.read(Lattice, or_else=ROLLBACK)
        expect_same(kept, "it is kept as it was made", found, made)
        copies = [each.id for each in listed.read(Page).items if each.name == made.name]
        expect(listed, or_else=ROLLBACK).that("it was made once", len(copies) == 1, seen=copies)
        expect(await me.delete(path)).succeeded()
        await gather(
            self._read_back(me, path, "it is gone", status=404),
            self._read_back(
                me,
                f"{LATTICES}?limit=100",
                "it is listed no more",
                lambda reply: made.id not in reply.each(str, "items", "id"),
            ),
        )
        _expect_now(kept, found.created_at)

    async def _read_back(
        self,
        me: Client,
        path: str,
        demand: str,
        holds: Callable[[Reply], bool] = lambda _: True,
        *,
        status: int = 200,
        never: Consequence | None = ROLLBACK,
    ) -> Reply:
        """Read until what was done shows: late is to be watched, never is a lost write."""
        replies: list[Reply] = []

        def shows(reply: Reply) -> bool:
            return reply.status == status and holds(reply)

        async def read() -> Reply:
            replies.append(await me.get(path, fresh=True))
            return replies[-1]

        last = await me.poll(read, until=shows, within_s=self.read_back_wait_s)
        for reply, when, means in (last, "", never), (replies[0], " at once", MONITOR):
            expect(reply, or_else=means).that(
                demand + when, shows(reply), seen=f"{reply.status} {reply.text}"
            )
        return last

    async def test_lattice_pathfinding_flow(
        self, client: Client, member: Account, stranger: Account
    ) -> None:
        """Paths are open and as short as can be; where there is none, that is said."""
        me, theirs = client.with_token(member.token), client.with_token(stranger.token)
        search, *_ = await gather(*(_solve(me, puzzle) for puzzle in PUZZLES))
        foreign = await theirs.post(search, json=PUZZLES[0].ends)
        expect_kept_out("a stranger", foreign, 403, 404)

    async def test_webhook_registration_flow(
        self, client: Client, member: Account, stranger: Account
    ) -> None:
        """A webhook is registered, tried out with a signed delivery, and removed."""
        me, theirs = client.with_token(member.token), client.with_token(stranger.token)
        async with receiving(self.webhook_receiver) as receiver:
            # Nothing here makes this event happen: the test is the only delivery.
            sent = {
                "url": receiver.url,
                "events": ["subscription.changed"],
                "description": client.unique("smoke"),
            }
            created = await me.post(WEBHOOKS, json=sent)
            expect(created).succeeded()
            hook, secret = created.read(Webhook), created.read(Text, "secret")
            path = f"{WEBHOOKS}/{hook.id}"
            expect(created, or_else=WARN).header("Location", has=path)
            expect_same(created, "it is as it was sent", hook, replace(hook, **sent, enabled=True))
            _, _, tried = await gather(
                self._read_back(
                    me, WEBHOOKS, "it is listed", partial(_lists_once, hook), never=None
                ),
                see_no_webhook(theirs, path),
                me.post(f"{path}/test"),
            )
            expect(tried).succeeded()
            queued = tried.read(Queued)
            deliveries = await me.poll(
                lambda: me.get(f"{path}/deliveries"),
                until=_is_attempted,
                within_s=self.webhook_wait_s,
            )
            found, is_sent = deliveries.read(Deliveries), _is_attempted(deliveries)
            expect(deliveries).status(200).that("the test delivery is sent", is_sent, seen=found)
            items = [(each.id, each.event) for each in found.items]
            is_alone = found.total == 1 and items == [(queued.id, queued.event)]
            expect(deliveries).that("nothing else is sent", is_alone, seen=found)
            if self.webhook_receiver:
                flaw = await receiver.flaw(
                    secret, queued.id, queued.event, within_s=self.webhook_wait_s
                )
                expect(tried).that("it arrives, signed", not flaw, seen=flaw)
        expect(await me.delete(path)).succeeded()
        gone = await self._read_back(me, path, "it is gone", status=404, never=None)
        expect_refused(gone, 404)

    async def test_usage_tracking_flow(self, client: Client) -> None:
        """Usage counts what was done, no more and no less."""
        me = client.with_token((await register(client)).token)
        before = _counts(await me.get("/api/usage"))
        made, _ = await gather(*(_make(me, _lattice(client)) for _ in range(2)))
        found = await me.post(f"{LATTICES}/{made.id}/pathfind", json=ACROSS)
        expect(found).status(200)
        wanted = before + Counts(calls=3, lattices_created=2, path_searches=1)
        after = await me.poll(
            lambda: me.get("/api/usage"),
            until=lambda usage: _counts(usage) == wanted,
            within_s=self.usage_wait_s,
        )
        expect_same(after, "what was done is counted", _counts(after), wanted, or_else=None)

    async def test_error_recovery_flow(self, client: Client, neighbour: Account) -> None:
        """What is wrong is named, and what is right works after that."""
        me, right = client.with_token(neighbour.token), _lattice(client)
        mistakes: dict[str, Any] = {"name": "", "dimensions": [5, -1], "obstacles": [[97, 0, 0]]}
        refusals = await gather(
            *(me.post(LATTICES, json=right | {field: wrong}) for field, wrong in mistakes.items())
        )
        for field, reply in zip(mistakes, refusals, strict=True):
            expect_refused(reply, naming=[field])
        made = await _make(me, right)
        path = f"{LATTICES}/{made.id}"
        outside = await me.post(f"{path}/pathfind", json=ACROSS | {"end": [97, 0, 0]})
        expect_refused(outside, naming=["end"])
        renamed = await me.patch(path, json={"name": "found its way"})
        expect(renamed).status(200)
        now = renamed.read(Lattice)
        wanted = replace(made, name="found its way", updated_at=now.updated_at)
        expect_same(renamed, "its name is changed and nothing else", now, wanted)
        kept = await self._read_back(
            me, path, "the change is kept", lambda reply: reply.read(str, "name") == now.name
        )
        expect_same(kept, "it is kept as it was answered", kept.read(Lattice), now)

    async def test_bulk_operations_flow(self, client: Client) -> None:
        """Many lattices are made in one go, and all of them are there."""
        # With a tenant of its own: so many would push those of other checks off a page.
        me = client.with_token((await register(client)).token)
        many = [_lattice(client) for _ in range(self.bulk_lattices)]
        made = await me.post(f"{LATTICES}/bulk", json={"lattices": many})
        expect(made).succeeded().faster_than(self.bulk_limit_s)
        lattices = made.read(list[Lattice], "items")
        expect(made, or_else=ROLLBACK).that(
            "as many are made as were sent", len(lattices) == len(many), seen=len(lattices)
        )
        expect(made).json("created", equals=len(many))
        pairs = zip(lattices, many, strict=True)
        wrong = [lattice.name for lattice, sent in pairs if lattice != _as_sent(lattice, sent)]
        expect(made, or_else=ROLLBACK).that("they are as they were sent", not wrong, seen=wrong)
        wanted = {lattice.id: lattice.summary for lattice in lattices}
        await self._read_back(
            me,
            f"{LATTICES}?limit=100",
            "all of them are there",
            lambda reply: {each.id: each for each in reply.read(Page).items} == wanted,
        )
        await _turn_pages(me, list(wanted))


def _lattice(client: Client) -> dict[str, Any]:
    """A lattice under a name of its own, with letters and numbers that get damaged easily."""
    return {
        "name": client.unique("Gitter 格子 🧊"),
        "description": '\u00e9 is not e\u0301, "quoted" \\ <b>&amp;</b>, 9007199254740993',
        "dimensions": (97, 89, 83),
        "obstacles": [(0, 0, 1), (96, 88, 82)],
    }


async def _make(me: Client, sent: dict[str, Any]) -> Lattice:
    """Have a lattice made, and demand it as it was sent."""
    created = await me.post(LATTICES, json=sent)
    expect(created).succeeded()
    made = created.read(Lattice)
    expect(created, or_else=WARN).header("Location", has=f"{LATTICES}/{made.id}")
    expect_same(created, "it is as it was sent", made, _as_sent(made, sent))
    return made


def _as_sent(lattice: Lattice, sent: dict[str, Any]) -> Lattice:
    """What must be answered; what only the service knows, such as times, is as it says."""
    cells = prod(sent["dimensions"])
    edges = sum(cells // extent * (extent - 1) for extent in sent["dimensions"])
    counts = {"cells": cells, "edges": edges, "obstacle_count": len(sent["obstacles"])}
    return replace(lattice, **sent, **counts, connectivity="axis")


async def _turn_pages(me: Client, ids: list[str]) -> None:
    """Demand that pages show each of the lattices once, and say how many there are."""
    half = len(ids) // 2 + 1
    pages = await gather(
        *(me.get(f"{LATTICES}?limit={half}&offset={offset}") for offset in (0, half))
    )
    shown: list[str] = []
    for reply in pages:
        expect(reply).status(200).json("total", equals=len(ids))
        shown += reply.each(str, "items", "id")
    expect(pages[-1]).that(
        "pages neither repeat nor lose any", sorted(shown) == sorted(ids), seen=len(shown)
    )


def _lists_once(hook: Webhook, listed: Reply) -> bool:
    """Whether a webhook is in the list of all, once."""
    hooks = listed.read(Webhooks)
    found = [each for each in hooks.items if each.description == hook.description]
    return found == [hook] and hooks.total == len(hooks.items)


async def _solve(me: Client, puzzle: Puzzle) -> str:
    """Compare the service's solution of a puzzle with that of our own search; give its path."""
    lattice = await _make(me, puzzle.lattice(me.unique(puzzle.name)))
    search = f"{LATTICES}/{lattice.id}/pathfind"
    found = await me.post(search, json=puzzle.ends)
    expect(found).status(200)
    way, shortest = found.read(Way), puzzle.shortest()
    flaw = puzzle.flaw(way.path)
    expect(found, or_else=ROLLBACK).that("the way is the shortest, if any", not flaw, seen=flaw)
    wanted = replace(way, reachable=shortest is not None, length=shortest, cost=shortest)
    expect_same(found, "what is said of it is so", way, wanted)
    free = lattice.cells - lattice.obstacle_count
    expect(found).that("it explored what there is", 0 < way.explored <= free, seen=way.explored)
    return search


def _as_told(reply: Reply, problem: Problem | None) -> tuple[int, Problem | None]:
    """A refusal without what marks one request, such as an id in its words."""
    if problem:
        problem = replace(problem, detail=MARK.sub("", problem.detail))
    return reply.status, problem


def _expect_now(reply: Reply, made_at: datetime) -> None:
    """Demand that a thing was made just now, by the clock that the reply itself shows."""
    date = reply.header("Date") or ""
    try:
        now = datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return  # it shows none (RFC 9110, 5.6.7)
    is_now = abs(now - made_at).total_seconds() < SAME_TIME_S
    expect(reply).that("it says that it was made now", is_now, seen=f"{made_at}, at {date}")


def _expect_account(reply: Reply, account: Account, *at: str) -> None:
    """Demand this account, as registering answered it, and its tenant beside or within it."""
    expect(reply).status(200)
    who = (reply.read(User, *at), reply.read(Tenant, "tenant"))
    is_theirs = who == (account.user, account.tenant)
    expect(reply, or_else=ROLLBACK).that("it is their account", is_theirs, seen=who)


def _expect_plan(reply: Reply, plan: Plan, **wanted: Any) -> Subscription:
    """Demand a subscription to this plan with its limits."""
    found = reply.read(Subscription)
    same = replace(found, plan=plan.code, limits=plan.limits, **wanted)
    expect_same(reply, f"the plan is {plan.code}", found, same)
    return found


def _expect_private(reply: Reply) -> None:
    """Demand that no cache gives to others what was asked for with a token (RFC 9111, 3.5)."""
    cache_control = (reply.header("Cache-Control") or "").lower()
    said = {part.partition("=")[0].strip() for part in cache_control.split(",")}
    is_private = bool(said & {"private", "no-store"})
    is_shared = bool(said & {"public", "s-maxage", "must-revalidate"}) and not is_private
    seen = cache_control or "no header"
    expect(reply).that("no cache may share it", not is_shared, seen=seen)
    expect(reply, or_else=WARN).that("it is said to be private", is_private, seen=seen)


def _is_attempted(deliveries: Reply) -> bool:
    """Whether a delivery was tried, and it is said how that went."""
    items = deliveries.read(Deliveries).items
    return any(each.attempts > 0 and (each.delivered_at or each.error) for each in items)


def _counts(reply: Reply) -> Counts:
    """The totals of all days, which must add up."""
    expect(reply).status(200)
    usage = reply.read(Usage)
    expect(reply).that("every day is there, and all add up", usage.adds_up, seen=usage.totals)
    return usage.totals
