"""Which survivors no check could be blamed for, by rules that were fixed before any was seen.

Every rule is vetoed when some check reads the place: then it is a blind spot after all. That
nobody reads a place is no rule; it is what an audit looks for.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import quote

from smokegate.audit.documents import REMOVED, at
from smokegate.audit.mutants import Mutant
from smokegate.audit.reads import Reads
from smokegate.audit.recording import Recording
from smokegate.audit.tape import Entry
from smokegate.audit.trials import IDENTICAL, Finding

# Hop-by-hop and framing headers (RFC 9110, 7.6.1 and 8.6; RFC 9112, 6) and what proxies and
# servers add on the way: whether they are there is no matter between the service and its users.
FRAMING = frozenset(
    {
        "age", "alt-svc", "cf-cache-status", "cf-ray", "connection", "content-length", "date",
        "keep-alive", "nel", "proxy-connection", "report-to", "server", "server-timing", "te",
        "trailer", "transfer-encoding", "upgrade", "via", "x-amzn-requestid", "x-amzn-trace-id",
        "x-cache", "x-correlation-id", "x-envoy-upstream-service-time", "x-powered-by",
        "x-process-time", "x-request-id", "x-response-time", "x-runtime", "x-served-by",
        "traceparent", "tracestate",
    }
)  # fmt: skip
FRAMED, VOLATILE, UNDECLARED = "framing", "volatile", "outside the contract"
RULES = (IDENTICAL, FRAMED, VOLATILE, UNDECLARED)
_SHORTEST_LINK_CHARS = 4

Declares = Callable[[str, str, tuple[str | int, ...]], bool]


class Equivalence:
    """The rules, over one recording.

    `declares` tells, where there is a contract, whether it has a member: by endpoint, by group of
    replies and by path.
    """

    def __init__(
        self,
        recording: Recording,
        entries: list[Entry],
        reads: Reads,
        declares: Declares | None = None,
    ) -> None:
        self._entries = entries
        self._reads = reads
        self._declares = declares
        self._volatile = {(v.owner, v.number, v.part, v.path) for v in recording.volatile}
        self._traffic = "\n".join(_texts(entries))

    def judged(self, findings: list[Finding]) -> list[Finding]:
        """The findings, those survivors marked to which a rule applies."""
        noticed: set[tuple[object, ...]] = {
            (each.mutant.endpoint, each.mutant.layer, each.mutant.path)
            for each in findings
            if each.fate in ("caught", "accident") and each.mutant.path
        }
        return [self._judged(finding, noticed) for finding in findings]

    def _judged(self, finding: Finding, noticed: set[tuple[object, ...]]) -> Finding:
        mutant = finding.mutant
        if finding.fate not in ("survived", "undecided") or not mutant.path:
            return finding
        if (mutant.endpoint, mutant.layer, mutant.path) in noticed or self._is_looked_at(mutant):
            return finding
        rule = self._rule(mutant)
        if not rule:
            return finding
        return Finding(mutant=mutant, fate="equivalent", rule=rule, diverged=finding.diverged)

    def _is_looked_at(self, mutant: Mutant) -> bool:
        """Whether some check looks at the place, by itself or as a part of what it takes whole."""
        looks = [self._reads.of(entry.content) for entry in self._struck(mutant)]
        if mutant.layer == "header":
            return any(each.at_header(str(mutant.path[0])) for each in looks)
        return any(each.at_member(mutant.path) for each in looks)

    def _struck(self, mutant: Mutant) -> list[Entry]:
        return [entry for entry in self._entries if mutant.strikes(entry)]

    def _rule(self, mutant: Mutant) -> str:
        if mutant.layer == "header" and self._is_framing(mutant):
            return FRAMED
        if mutant.operator == "changed" and self._is_volatile(mutant):
            return VOLATILE
        if mutant.layer == "field" and self._declares is not None:
            groups = {entry.group for entry in self._struck(mutant)}
            if not any(self._declares(mutant.endpoint, each, mutant.path) for each in groups):
                return UNDECLARED
        return ""

    def _is_framing(self, mutant: Mutant) -> bool:
        """Whether a header says nothing to users: one of those, or the kind of a body that is none.

        RFC 9110, 8.3: a media type is that of the content.
        """
        if mutant.path[0] != "content-type":
            return mutant.path[0] in FRAMING
        return not any(entry.content.body for entry in self._struck(mutant))

    def _is_volatile(self, mutant: Mutant) -> bool:
        """Whether it was another value in a second run everywhere, and nothing refers to it."""
        values = [(entry, value_at(mutant, entry)) for entry in self._struck(mutant)]
        there = [(entry, value) for entry, value in values if value is not REMOVED]
        return bool(there) and all(
            (entry.owner, entry.number, mutant.layer, mutant.path) in self._volatile
            and not self._is_linked(value)
            for entry, value in there
        )

    def _is_linked(self, value: object) -> bool:
        """Whether a value recurs, however spelled: identifiers that do are how tenants leak."""
        if value is None or isinstance(value, bool):
            return True  # they say something, and recur everywhere
        plain = value if isinstance(value, str) else json.dumps(value)
        spellings = {plain, quote(plain, safe=""), quote(plain), json.dumps(plain)[1:-1]}
        found = sum(self._traffic.count(each) for each in spellings)
        return len(plain) < _SHORTEST_LINK_CHARS or found > 1


def value_at(mutant: Mutant, entry: Entry) -> object:
    """What a mutant breaks in a reply; `REMOVED` where there is no such thing."""
    if mutant.layer == "field":
        return at(entry.content.document, mutant.path) if entry.content.is_json else REMOVED
    headers = entry.content.exchange.reply_headers
    found = [value for name, value in headers if name.lower() == mutant.path[0]]
    return ", ".join(found) if found else REMOVED


def _texts(entries: list[Entry]) -> list[str]:
    texts = []
    for entry in entries:
        request = entry.recorded.request
        texts += [request.url, *(value for _, value in request.headers)]
        texts += [value for _, value in entry.content.exchange.reply_headers]
        texts += [(request.body or b"").decode("utf-8", "replace")]
        texts += [entry.content.body.decode("utf-8", "replace")]
    return texts
