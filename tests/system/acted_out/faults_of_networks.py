"""Faults below HTTP: names, connections, TLS."""

from __future__ import annotations

from smokegate.fault_proxy import (
    AcceptSilently,
    EveryNth,
    Fault,
    HangHandshake,
    Refuse,
    ResetBeforeReply,
    ResetOnAccept,
)
from smokegate.results import Action

from tests.system.acted_out.acts import presenting, proxied, without_tls_too
from tests.system.acted_out.addresses import no_such_name, one_dead
from tests.system.acted_out.rows import EVERY_CHECK, SAMPLED, Wrong

RUNNING, CERTIFICATE = "health.test_api_server_running", "health.test_ssl_certificate"

FAULTS = (
    Wrong(
        "F01",
        "the name does not exist (NXDOMAIN)",
        "a resolver knows no name",
        (no_such_name,),
        EVERY_CHECK,
        Action.INVESTIGATE,
    ),
    Wrong(
        "F02",
        "one A record dead",
        "a name has Lattice's address and one that refuses every connection",
        (one_dead("127.0.0.2"),),
        "run.addresses",
        Action.INVESTIGATE,
    ),
    Wrong(
        "F03",
        "AAAA dead, A fine",
        "a name has Lattice's IPv4 address and an IPv6 one that refuses every connection",
        (one_dead("::1"),),
        "run.addresses",
        Action.MONITOR,
    ),
    Wrong(
        "F04",
        "connections refused",
        "a proxy's port refuses every connection",
        (proxied(Fault(Refuse())),),
        RUNNING,
        Action.ROLLBACK,
    ),
    Wrong(
        "F05",
        "connections accepted, then silent",
        "a proxy accepts every connection and never sends a byte",
        (proxied(Fault(AcceptSilently()), timeout_s=2),),
        RUNNING,
        Action.ROLLBACK,
    ),
    Wrong(
        "F06",
        "reset on every POST",
        "a proxy resets the connection instead of the reply",
        (proxied(Fault(ResetBeforeReply(), method="POST")),),
        "workflows.test_user_registration_flow",
        Action.ROLLBACK,
    ),
    Wrong(
        "F06b",
        "half of all connections reset",
        "a proxy answers every second connection with a reset",
        (proxied(Fault(ResetOnAccept(), per="connection", when=EveryNth(2)), **SAMPLED),),
        "run.sampler",
        Action.ROLLBACK,
    ),
    Wrong(
        "F08",
        "certificate expired",
        "a proxy shows a certificate that ended yesterday",
        (presenting(lambda issued: issued.expired().context()),),
        CERTIFICATE,
        Action.INVESTIGATE,
    ),
    Wrong(
        "F09",
        "certificate with 3 days left",
        "a proxy shows a certificate that ends in 3 days",
        (presenting(lambda issued: issued.days_left(3).context()),),
        CERTIFICATE,
        Action.MONITOR,
    ),
    Wrong(
        "F10",
        "certificate for a wrong host",
        "a proxy shows a certificate for another name",
        (presenting(lambda issued: issued.wrong_host().context()),),
        CERTIFICATE,
        Action.ROLLBACK,
    ),
    Wrong(
        "F11",
        "certificate self-signed",
        "a proxy shows a certificate that no authority has signed",
        (presenting(lambda issued: issued.self_signed().context()),),
        CERTIFICATE,
        Action.ROLLBACK,
    ),
    Wrong(
        "F11b",
        "certificate without its chain",
        "a proxy shows a certificate whose issuer it leaves out",
        (presenting(lambda issued: issued.incomplete_chain().context()),),
        CERTIFICATE,
        Action.ROLLBACK,
    ),
    Wrong(
        "F13",
        "TLS 1.0/1.1 accepted",
        "a proxy shakes hands from TLS 1.0 on",
        (presenting(lambda issued: issued.good().legacy_context()),),
        CERTIFICATE,
        Action.INVESTIGATE,
    ),
    Wrong(
        "F14",
        "TLS handshake hangs",
        "a proxy stops after 16 bytes of the server's hello",
        (proxied(Fault(HangHandshake()), timeout_s=2),),
        RUNNING,
        Action.ROLLBACK,
    ),
    Wrong(
        "F23",
        "plain HTTP serves data",
        "a proxy serves the same without TLS on another port",
        (without_tls_too,),
        CERTIFICATE,
        Action.INVESTIGATE,
    ),
)
