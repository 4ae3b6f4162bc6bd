"""Live faults: what no recording can show, acted out one at a time in front of a running target.

Each has a whole run of the suites, with the sample and the second tries of a real one. Where a
health check would see a fault at once, it is kept away from the health check's path: what is asked
is whether the suites see it.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smokegate.audit.front import Front, Performance, Subject, standing
from smokegate.audit.live_results import LiveReport, LiveResult
from smokegate.audit.undisturbed import Undisturbed, undisturbed
from smokegate.fault_proxy import (
    Action,
    Drip,
    Endless,
    EveryNth,
    Fault,
    GzipBomb,
    Latency,
    PresentTls,
    ResetMidBody,
    Seeded,
    SetField,
    SetStatus,
)
from smokegate.fault_proxy.certificates import Certificates

# Faults need not be waited for: they do not go away. But who was slow without any may be again.
_TIMEOUT_S, _TIMES_THE_SLOWEST = 5.0, 3.0
_WAIT_S = 1.0
# What a fault keeps a run from removing is removed behind the proxy, afterwards.
_CLEANUP_S = 2.0
_ONE_IN_TWENTY = Seeded(0.05, seed=5)
_EVERY_OTHER, _EVERY_THIRD = EveryNth(2), EveryNth(3)
_OLD_TLS = ssl.HAS_TLSv1 and ssl.HAS_TLSv1_1


@dataclass(frozen=True)
class LiveFault:
    """One that can be acted out; `needs` says why not, if so, going by the undisturbed run."""

    id: str
    title: str
    fault: Callable[[Undisturbed], Fault]
    needs: Callable[[Undisturbed], str]
    expects_version: bool = False


def act_out(subject: Subject, faults: Sequence[LiveFault] | None = None) -> LiveReport:
    """Verify a target undisturbed and then once with each fault.

    Raises `UsageError` for a target that must not be used so, that cannot be reached or that does
    not pass undisturbed; `AuditError` where a fault was never delivered.
    """
    with standing(subject) as front:
        seen = undisturbed(front)
        rows = list(FAULTS if faults is None else faults)
        left_out = {row.id: why for row in rows if (why := row.needs(seen))}
        rows = [row for row in rows if row.id not in left_out]
        results = []
        for number, row in enumerate(rows, 1):
            subject.tell(f"{number} of {len(rows)}: {row.title}")
            results.append(_act_out(front, row, seen))
        return LiveReport(
            undisturbed=_result("", "without any fault", seen.performance, ()),
            results=results,
            left_out=left_out,
        )


def _act_out(front: Front, row: LiveFault, seen: Undisturbed) -> LiveResult:
    changes = _settings(seen)
    if row.expects_version:
        changes["expect_version"] = seen.version
    performance = front.act_out(row.title, lambda _: [row.fault(seen)], **changes)
    return _result(row.id, row.title, performance, seen.performance.failing)


def _settings(seen: Undisturbed) -> dict[str, object]:
    settings, enough_s = seen.settings, max(_TIMEOUT_S, seen.slowest_s * _TIMES_THE_SLOWEST)
    return {
        "timeout_s": min(settings.timeout_s, enough_s),
        "wait_s": min(settings.wait_s, _WAIT_S),
        "cleanup_timeout_s": min(settings.cleanup_timeout_s, _CLEANUP_S),
    }


def _result(fault: str, title: str, performance: Performance, before: Sequence[str]) -> LiveResult:
    verdict = performance.run.verdict
    return LiveResult(
        fault=fault,
        title=title,
        verdict=verdict.action.value,
        rule=verdict.rule,
        reason=verdict.reason,
        caught_by=[each for each in performance.failing if each not in before],
        delivered=performance.delivered,
        seconds=performance.seconds,
    )


def _presenting(id_: str, title: str, issue: Callable[[Certificates], ssl.SSLContext]) -> LiveFault:
    """Another handshake on every connection."""

    def fault(seen: Undisturbed) -> Fault:
        return Fault(PresentTls(issue(seen.certificates)))

    return LiveFault(id_, title, fault, _needs_tls)


def _beyond_health(id_: str, title: str, action: Action) -> LiveFault:
    """Every reply with a body, but the health check's."""

    def fault(seen: Undisturbed) -> Fault:
        return Fault(action, path=seen.beyond_health)

    return LiveFault(id_, title, fault, _needs_bodies)


def _other_version(seen: Undisturbed) -> Fault:
    path = tuple(seen.settings.version_field.split("."))
    other = SetField(path, f"{seen.version}-other")
    return Fault(other, path=seen.version_path, per="connection", when=_EVERY_OTHER)


def _needs_tls(seen: Undisturbed) -> str:
    return "" if seen.has_tls else "the target does not speak TLS"


def _needs_old_tls(seen: Undisturbed) -> str:
    return _needs_tls(seen) or ("" if _OLD_TLS else "this OpenSSL cannot serve TLS 1.0 and 1.1")


def _needs_bodies(seen: Undisturbed) -> str:
    if seen.has_bodies_beyond_health:
        return ""
    return f"the suites read no body but that of {seen.settings.health_path}"


def _needs_version(seen: Undisturbed) -> str:
    return "" if seen.version else f"the target tells no {seen.settings.version_field}"


def _needs_twenty(seen: Undisturbed) -> str:
    """Enough requests that one is chosen, even where a run sends fewer than the undisturbed."""
    surely = range(1, seen.requests() // 2)
    enough = any(map(_ONE_IN_TWENTY.chosen, surely))
    return "" if enough else f"the suites send too few requests: {seen.requests()}"


def _needs_three(seen: Undisturbed) -> str:
    enough = _EVERY_THIRD.n
    return "" if seen.connections >= enough else f"the suites use fewer than {enough} connections"


FAULTS: tuple[LiveFault, ...] = (
    _presenting(
        "tls-expired", "the certificate ended yesterday", lambda made: made.expired().context()
    ),
    _presenting(
        "tls-wrong-host",
        "the certificate is for another host",
        lambda made: made.wrong_host().context(),
    ),
    _presenting(
        "tls-self-signed",
        "no authority has signed the certificate",
        lambda made: made.self_signed().context(),
    ),
    _presenting(
        "tls-incomplete-chain",
        "the intermediate certificate is not served along",
        lambda made: made.incomplete_chain().context(),
    ),
    LiveFault(
        "tls-old-versions",
        "TLS 1.0 and 1.1 are accepted, too",
        lambda seen: Fault(PresentTls(seen.certificates.good().legacy_context())),
        _needs_old_tls,
    ),
    _beyond_health("slow-drip", "replies come a byte every half second", Drip(0.5)),
    _beyond_health("endless-body", "bodies never end", Endless()),
    _beyond_health("decompression-bomb", "bodies unpack to 64 MiB", GzipBomb(64)),
    _beyond_health(
        "reset-mid-body", "connections are reset in the middle of the body", ResetMidBody()
    ),
    LiveFault(
        "intermittent-500",
        "one reply in twenty is a 500",
        lambda _: Fault(SetStatus(500), when=_ONE_IN_TWENTY),
        _needs_twenty,
    ),
    LiveFault(
        "version-skew",
        "every second connection leads to another version",
        _other_version,
        _needs_version,
        expects_version=True,
    ),
    LiveFault(
        "slow-replica",
        "every third connection leads to a replica that is 2 s slower",
        lambda _: Fault(Latency(2.0), per="connection", when=_EVERY_THIRD),
        _needs_three,
    ),
)
