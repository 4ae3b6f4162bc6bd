"""What a failure to resolve or to connect comes to, by what the system says of it."""

from __future__ import annotations

import errno
import socket

_REFUSED = {errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED}
# A kernel without IPv6 has no family for it; a route may lead to nowhere (EINVAL).
_NO_ROUTE = {
    errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EAFNOSUPPORT, errno.EINVAL,
}  # fmt: skip
_NO_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


def connect_kind(number: int) -> str:
    """The kind of a failure to connect, by its error number: what is not known is local."""
    if number in _REFUSED:
        return "refused"
    if number in _NO_ROUTE:
        return "unreachable"
    return "connect_timeout" if number == errno.ETIMEDOUT else "local"


def name_kind(error: socket.gaierror) -> str:
    """The kind of a failure to resolve: there is no such name, or the resolver is in trouble."""
    return "name_missing" if error.errno in _NO_NAME else "resolver"
