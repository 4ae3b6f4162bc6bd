"""What `smokegate serve` can be told on the command line."""

from __future__ import annotations

import argparse
import ipaddress
import re
from typing import Any

from smokegate.arguments import described

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK: tuple[Network, ...] = (
    ipaddress.ip_network("127.0.0.0/8"),
    ipaddress.ip_network("::1/128"),
)
_EXITS = "exit codes:\n  0 it was told to end   2 wrong use   30 no history\n"
_HELP = """\
Serve the history: a dashboard for people, a JSON API, and /metrics for Prometheus. Whoever can
connect may read. With SMOKEGATE_TOKEN set, reading asks for a login, labels can be set, and runs
can be asked for: by Argo Rollouts, Flagger, GitHub, or whoever has the token.

example:
  smokegate serve
  SMOKEGATE_TOKEN="$(openssl rand -hex 24)" smokegate serve --host 0.0.0.0
  smokegate serve --user-header X-Forwarded-User --allowed-host gate.example.com
"""
_LAST_PORT = 65_535


def add_serve(commands: Any) -> None:
    """Add `serve` to the commands of a parser."""
    serve = commands.add_parser(
        "serve", **described(_HELP, "serve the history for people and for Prometheus", _EXITS)
    )
    serve.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    serve.add_argument("--port", type=_port, default=9464, help="at which port (9464); 0: any free")
    serve.add_argument(
        "--targets",
        metavar="FILE",
        help="what runs can be asked for of; the one target unless said",
    )
    serve.add_argument(
        "--public-read", action="store_true", help="let everybody read; only writing asks for login"
    )
    serve.add_argument(
        "--user-header",
        type=_header,
        metavar="NAME",
        help="a proxy logs users in, and names them in this header",
    )
    serve.add_argument(
        "--trusted-proxy",
        type=_network,
        action="append",
        metavar="ADDRESS",
        help="where that proxy is, as an address or 10.0.0.0/8; this machine unless said",
    )
    serve.add_argument(
        "--allowed-host",
        type=_host,
        action="append",
        metavar="NAME",
        help="a name by which browsers reach it",
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {_LAST_PORT}")
    return int(text)


def _header(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,100}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not like X-Forwarded-User")
    return text


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 10.0.0.5 or 10.0.0.0/8") from None
    if network.prefixlen == 0:
        raise argparse.ArgumentTypeError(f"{text} is everybody, who could then be any user")
    return network


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,253}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not like gate.example.com")
    return text.lower()
