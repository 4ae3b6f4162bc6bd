"""Why a request got no reply, whose trouble that is by itself, and what to do: one table.

`whose` has the rules for what depends on the place as well.
"""

from __future__ import annotations

from typing import NamedTuple

from smokegate.results import Side

TARGET, RUNNER, UNDECIDED = Side.TARGET, Side.RUNNER, Side.UNDECIDED


class Words(NamedTuple):
    """A row of the table."""

    side: Side
    summary: str
    causes: tuple[str, ...]
    next_step: str
    incurable: bool = False


WORDS = {
    "refused": Words(
        TARGET,
        "connection refused",
        ("the service is not running", "it listens on another port", "a firewall rejects it"),
        "look at the service's own log and at the port it listens on",
    ),
    "connect_timeout": Words(
        UNDECIDED,
        "timeout while connecting",
        ("a firewall drops packets", "the host is down"),
        "try the same address from another place; allow this runner in the firewall",
    ),
    "tls_timeout": Words(
        TARGET,
        "timeout in the TLS handshake",
        ("the port does not speak TLS", "the TLS terminator hangs"),
        "run openssl s_client -connect against the address",
    ),
    "silent": Words(
        TARGET,
        "timeout: connected, then no answer",
        ("the service hangs", "a pool is exhausted", "a dependency does not answer"),
        "look for stuck workers and slow dependencies; API_TIMEOUT sets the limit",
    ),
    "slow_body": Words(
        TARGET,
        "timeout while the reply came in",
        ("the reply is streamed too slowly", "it does not end"),
        "request the same URL with curl and watch where it stops",
    ),
    "deadline": Words(
        TARGET,
        "the check's deadline ran out while waiting for the reply",
        ("the target answers too slowly",),
        "look at the waterfall of the exchanges before this one",
    ),
    "abandoned": Words(
        RUNNER,
        "the request was given up before its reply came",
        ("another request of the check failed meanwhile", "the check or the run was ended"),
        "look at what ended the check",
    ),
    "reset": Words(
        TARGET,
        "connection reset",
        ("a worker crashed", "a proxy in between closed it", "the reply broke the protocol"),
        "look for crashes and restarts in the service's log",
    ),
    "lost": Words(
        TARGET,
        "the kept connection died under a write, which was not sent again",
        ("the server closed an idle connection", "a worker crashed"),
        "compare keep-alive timeouts of the service and of what stands before it",
    ),
    "empty": Words(
        TARGET,
        "connection closed without a reply",
        ("a worker crashed", "a proxy gave up on its upstream"),
        "look for crashes and restarts in the service's log",
    ),
    "truncated": Words(
        TARGET,
        "the reply ended before its announced length",
        ("a worker was killed in mid-reply", "a proxy cut the reply"),
        "compare Content-Length with what curl receives",
    ),
    "protocol": Words(
        TARGET,
        "the reply is not HTTP",
        ("something else listens on this port", "a proxy is misconfigured"),
        "request the same URL with curl -v",
    ),
    "too_large": Words(
        TARGET,
        "the reply is larger than the limit",
        ("the route sends far too much", "the reply does not end"),
        "request the same URL with curl; max_reply_bytes sets the limit",
    ),
    "undecodable": Words(
        TARGET,
        "the reply cannot be decompressed",
        ("the encoding is broken", "Content-Encoding does not match the body"),
        "request the same URL with curl --compressed",
    ),
    "bomb": Words(
        TARGET,
        "the reply grows beyond the limit when decompressed",
        ("the body is a decompression bomb",),
        "max_decoded_bytes sets the limit",
    ),
    "certificate_expired": Words(
        TARGET,
        "certificate error: it has expired",
        ("renewal failed or was not deployed", "the runner's clock is wrong"),
        "renew the certificate; rolling back does not",
        incurable=True,
    ),
    "certificate_not_yet_valid": Words(
        TARGET,
        "certificate error: it is not valid yet",
        ("it was issued for a later date", "the runner's clock is wrong"),
        "compare the certificate's dates with the clock",
        incurable=True,
    ),
    "certificate_wrong_host": Words(
        TARGET,
        "certificate error: it is for another host",
        ("the wrong certificate was deployed", "the URL names an alias"),
        "compare the host in the URL with the certificate's names",
    ),
    "certificate_untrusted": Words(
        TARGET,
        "certificate error: its chain leads to no trusted root",
        ("it is self-signed", "an intermediate is missing", "it is from a private authority"),
        "serve the whole chain, or name the authority's file with --ca-file",
    ),
    "tls": Words(
        TARGET,
        "TLS handshake failed",
        ("the port does not speak TLS", "no TLS version or cipher in common"),
        "run openssl s_client -connect against the address",
    ),
    "tls_not_offered": Words(
        RUNNER,
        "the TLS library of this runner does not offer it",
        ("old versions are built out of it", "a policy of this machine forbids them"),
        "try openssl s_client with the version on another machine",
    ),
    "name_missing": Words(
        TARGET,
        "the host name does not exist",
        ("the name is mistyped", "its DNS record is gone"),
        "compare the URL with the DNS zone",
        incurable=True,
    ),
    "resolver": Words(
        RUNNER,
        "the runner's name resolver does not answer",
        ("the runner has no network", "its resolver is down"),
        "resolve any other name on this machine",
        incurable=True,
    ),
    "unreachable": Words(
        RUNNER,
        "the runner has no route to the target",
        ("the runner has no network", "a VPN is down"),
        "reach any other host from this machine",
    ),
    "local": Words(
        RUNNER,
        "the runner could not make the request",
        ("it is out of descriptors or memory", "a local rule forbids it"),
        "look at the limits of this machine",
    ),
    "queued": Words(
        RUNNER,
        "no connection became free in time",
        ("more requests at once than connections", "the requests before it hang"),
        "raise max_connections, or look at what the requests before it waited for",
    ),
    "proxy": Words(
        RUNNER,
        "the proxy could not be used",
        ("the proxy is down", "it refuses the target"),
        "try the proxy by hand; the setting proxy names it",
    ),
}
