"""What the system says about a name or a connection, and whose word that is."""

from __future__ import annotations

import errno
import socket

import pytest
from smokegate.client.system_errors import connect_kind, name_kind


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.ECONNRESET, "refused"),
        (errno.ETIMEDOUT, "connect_timeout"),
        (errno.ENETUNREACH, "unreachable"),
        (errno.EHOSTUNREACH, "unreachable"),
        (errno.EAFNOSUPPORT, "unreachable"),
        (errno.EINVAL, "unreachable"),
        (errno.EMFILE, "local"),
        (errno.EACCES, "local"),
        (errno.EADDRNOTAVAIL, "local"),
        (0, "local"),
    ],
)
def test_only_what_the_target_said_is_a_refusal(number: int, kind: str) -> None:
    assert connect_kind(number) == kind


def test_whatever_the_system_invents_is_local() -> None:
    theirs = {"refused", "connect_timeout", "unreachable"}
    assert sum(connect_kind(number) in theirs for number in range(1, 200)) == 9


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (socket.EAI_NONAME, "name_missing"),
        (socket.EAI_AGAIN, "resolver"),
        (socket.EAI_FAIL, "resolver"),
        (socket.EAI_MEMORY, "resolver"),
    ],
)
def test_only_a_name_that_is_denied_is_missing(code: int, kind: str) -> None:
    assert name_kind(socket.gaierror(code, "words")) == kind
