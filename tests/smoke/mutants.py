"""Faults that no operator would come upon: what Lattice would answer if it were wrong.

`smokegate audit` tries each on the recorded replies and shows which check notices it.
"""

from __future__ import annotations

from smokegate.audit.semantic import Seen, fault

LOGIN, ME, REGISTER = "POST /api/auth/login", "GET /api/auth/me", "POST /api/auth/register"
LATTICE, PATHFIND = "GET /api/lattices/{}", "POST /api/lattices/{}/pathfind"
SUBSCRIPTION, USAGE = "GET /api/subscriptions", "GET /api/usage"
LIST, BULK = "GET /api/lattices", "POST /api/lattices/bulk"
WEBHOOKS, DELIVERIES = "GET /api/webhooks", "GET /api/webhooks/{}/deliveries"


@fault("a wrong password is accepted", row="F41")
def wrong_password_accepted(seen: Seen) -> Seen | None:
    return seen.instead(seen.like(LOGIN, 200)) if seen.is_(LOGIN, 401) else None


@fault("whoever has no token is let in", row="F45")
def anonymous_let_in(seen: Seen) -> Seen | None:
    if seen.status == 401 and not seen.credentials:
        return seen.instead(seen.like(seen.endpoint, 200) or seen.like(ME, 200))
    return None


@fault("a token that is not good lets in")
def bad_token_accepted(seen: Seen) -> Seen | None:
    in_question = seen.owner.endswith("test_authentication_endpoint") and seen.credentials
    return seen.instead(seen.like(ME, 200)) if seen.is_(ME, 401) and in_question else None


@fault("one address makes two accounts")
def address_taken_twice(seen: Seen) -> Seen | None:
    return seen.instead(seen.like(REGISTER, 201)) if seen.is_(REGISTER, 409) else None


@fault("a refresh token passes for an access token", row="F46")
def refresh_token_accepted(seen: Seen) -> Seen | None:
    in_question = seen.is_(ME, 401) and seen.owner.endswith("test_authenticated_api_access")
    return seen.instead(seen.like(ME, 200)) if in_question else None


@fault("a token still works after logging out", row="F47")
def revoked_token_works(seen: Seen) -> Seen | None:
    if seen.is_(ME, 401) and seen.owner.endswith("test_user_login_flow"):
        return seen.instead(seen.like(ME, 200))
    return None


@fault("a refusal tells which addresses have accounts", row="F50")
def addresses_told(seen: Seen) -> Seen | None:
    known = {each["email"] for each in (_registered(seen),) if each}
    unknown = seen.is_(LOGIN, 401) and (seen.sent or {}).get("email") not in known
    return seen.with_member("detail", value="no such account") if unknown else None


def _registered(seen: Seen) -> dict[str, str] | None:
    """What the member sent to register, whose password is tried."""
    made = seen.like(REGISTER, 201, lambda each: each.owner == "member")
    return made.sent if made else None


@fault("a stranger reads another tenant's lattice", row="F52")
def foreign_lattice_shown(seen: Seen) -> Seen | None:
    return seen.instead(seen.like(LATTICE, 200)) if _is_foreign(seen, LATTICE) else None


@fault("a stranger changes another tenant's lattice", row="F53")
def foreign_lattice_changed(seen: Seen) -> Seen | None:
    for method in ("PATCH", "DELETE"):
        if _is_foreign(seen, f"{method} /api/lattices/{{}}"):
            return seen.with_status(200)
    return None


@fault("another tenant's webhooks are listed")
def foreign_webhooks_listed(seen: Seen) -> Seen | None:
    if not seen.is_(WEBHOOKS, 200) or seen.json["items"]:
        return None
    return seen.instead(seen.like(WEBHOOKS, 200, lambda each: each.json["items"]))


def _is_foreign(seen: Seen, endpoint: str) -> bool:
    return seen.is_(endpoint, 404) and seen.owner.endswith("test_authenticated_api_access")


@fault("a write is answered and lost", row="F58")
def write_lost(seen: Seen) -> Seen | None:
    if not seen.is_(LATTICE, 200):
        return None
    return seen.instead(seen.like(LATTICE, 404))


@fault("a change of plan is answered and ignored", row="F59")
def update_ignored(seen: Seen) -> Seen | None:
    if not seen.is_(SUBSCRIPTION, 200):
        return None
    return seen.instead(seen.like(SUBSCRIPTION, 200))


@fault("what is made once is there twice")
def made_twice(seen: Seen) -> Seen | None:
    if not seen.is_(LIST, 200):
        return None
    copies = [each | {"id": f"{each['id']}-2"} for each in seen.json["items"]]
    return seen.with_member("items", value=seen.json["items"] + copies)


@fault("some of many are not made")
def made_in_part(seen: Seen) -> Seen | None:
    if not seen.is_(BULK, 201):
        return None
    made = seen.json["items"][:-3]
    return seen.with_json({"items": made, "created": len(made)})


@fault("what is deleted is still listed")
def deleted_and_listed(seen: Seen) -> Seen | None:
    if not seen.is_(LIST, 200):
        return None
    return seen.instead(seen.like(LIST, 200, lambda each: each.owner == seen.owner))


@fault("pages repeat")
def pages_repeat(seen: Seen) -> Seen | None:
    if not seen.is_(LIST, 200) or "offset=" not in seen.url:
        return None
    return seen.instead(seen.like(LIST, 200, lambda each: each.url.endswith("offset=0")))


@fault("letters are damaged on the way through", row="F65")
def letters_damaged(seen: Seen) -> Seen | None:
    if not seen.is_(LATTICE, 200):
        return None
    return seen.with_member("name", value=seen.json["name"].encode().decode("latin-1"))


@fault("a path leads through an obstacle", row="F67")
def path_through_obstacle(seen: Seen) -> Seen | None:
    path = _path(seen)
    obstacle = _lattice(seen).get("obstacles")
    if not path or not obstacle:
        return None
    return seen.with_member("path", value=[path[0], obstacle[0], *path[2:]])


@fault("a path is not the shortest", row="F68")
def path_with_detour(seen: Seen) -> Seen | None:
    path = _path(seen)
    if len(path) < 2:
        return None
    there_and_back = [path[0], path[1], path[0], *path[1:]]
    longer = seen.with_member("path", value=there_and_back)
    return longer.with_member("length", value=len(there_and_back) - 1)


@fault("a path jumps")
def path_with_a_gap(seen: Seen) -> Seen | None:
    path = _path(seen)
    if len(path) < 4:
        return None
    shorter = seen.with_member("path", value=[path[0], *path[3:]])
    return shorter.with_member("length", value=len(path) - 3)


@fault("no path is found where there is one", row="F70")
def path_denied(seen: Seen) -> Seen | None:
    without = seen.like(PATHFIND, 200, lambda each: each.json["path"] is None)
    return seen.instead(without) if _path(seen) else None


@fault("a path is invented where there is none", row="F70")
def path_invented(seen: Seen) -> Seen | None:
    if seen.is_(PATHFIND, 200) and seen.json["path"] is None and seen.sent:
        made_up = seen.with_member("path", value=[seen.sent["start"], seen.sent["end"]])
        return made_up.with_member("reachable", value=True)
    return None


def _path(seen: Seen) -> list[list[int]]:
    return (seen.json["path"] or []) if seen.is_(PATHFIND, 200) else []


def _lattice(seen: Seen) -> dict[str, list[list[int]]]:
    """What was sent to make the lattice in which a path was looked for."""
    made = seen.like("POST /api/lattices", 201, lambda each: each.json["id"] in seen.url)
    return made.sent if made else {}


@fault("a webhook is never sent", row="F72")
def webhook_never_sent(seen: Seen) -> Seen | None:
    return seen.with_member("items", value=[]) if seen.is_(DELIVERIES, 200) else None


@fault("usage does not count")
def usage_stands_still(seen: Seen) -> Seen | None:
    if not seen.is_(USAGE, 200):
        return None
    return seen.instead(seen.like(USAGE, 200, lambda each: each.owner == seen.owner))


@fault("usage counts twice")
def usage_counts_twice(seen: Seen) -> Seen | None:
    if not seen.is_(USAGE, 200):
        return None
    twice = {name: 2 * count for name, count in seen.json["totals"].items()}
    return seen.with_member("totals", value=twice)


@fault("one endpoint was not migrated", row="F16")
def lattices_not_migrated(seen: Seen) -> Seen | None:
    return seen.with_status(500) if seen.endpoint.endswith("/api/lattices") else None


@fault("pages are served instead of JSON", row="F24")
def pages_served(seen: Seen) -> Seen | None:
    if seen.status != 404:
        return None
    page = seen.with_status(200).with_header("content-type", "text/html")
    return page.with_text("<!DOCTYPE html><title>Lattice</title>")


@fault("any origin may call with credentials", row="F29")
def any_origin_may_call(seen: Seen) -> Seen | None:
    if seen.endpoint not in ("GET /health", "OPTIONS /health"):
        return None
    allowed = seen.with_header("access-control-allow-origin", "*")
    return allowed.with_header("access-control-allow-credentials", "true")


@fault("caches may share private replies", row="F31")
def private_replies_cacheable(seen: Seen) -> Seen | None:
    return seen.with_header("cache-control", "public, max-age=600") if seen.credentials else None


@fault("a stack trace is shown", row="F40")
def stack_trace_shown(seen: Seen) -> Seen | None:
    if seen.status < 400:
        return None
    return seen.with_text('Traceback (most recent call last):\n  File "app.py", line 1\n')


@fault("the limit on requests is off", row="F81")
def limiter_off(seen: Seen) -> Seen | None:
    return seen.instead(seen.like(ME, 200)) if seen.is_(ME, 429) else None


# What nobody notices, and nobody shall: why a check for it would be brittle, or of no use.
LEFT = {
    "*: detail changed": "words for people, free to change",
    "*: errors[[]*].detail changed": "words for people, free to change",
    "*: type removed": "one that is left out is about:blank (RFC 9457, 3.1.1)",
    "*: expires_in changed": "a setting that no other reply repeats",
    "*: refresh_token changed": "refreshing it would take the session from other checks",
    "GET /api/plans: items*": "which plans there are is the deployment's business",
    "GET /api/webhooks/{}/deliveries: items[[]*].*": "a count, words, a time: nothing repeats them",
    "POST /api/webhooks: secret changed": "only a receiver can tell: webhook_receiver",
    "POST /api/lattices/{}/pathfind: elapsed_ms changed": "a measurement",
    "POST /api/lattices/{}/pathfind: explored changed": "how far the search looked is its own",
    "PATCH /api/lattices/{}: updated_at changed": "a new time, with nothing to compare it with",
    "*: header date *": "where it cannot be read no time is compared with it",
    "*: header access-control-*": "a convenience of pages; tokens are not cookies",
    "*: header cross-origin-resource-policy *": "optional for an API",
    "*: header permissions-policy *": "optional for an API",
    "*: header ratelimit*": "drafts, no standard; the limit itself is tried out",
}
