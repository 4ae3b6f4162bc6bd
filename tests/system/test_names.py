"""Names resolve as a test wants, for the command that is begun so and for nobody else."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.names import NAME, available, with_hosts, without_any

RESOLVE = """
import json, socket, sys
try:
    found = socket.getaddrinfo(sys.argv[1], 1, type=socket.SOCK_STREAM)
    print(json.dumps([each[4][0] for each in found]))
except socket.gaierror as error:
    print(json.dumps(error.errno))
"""

pytestmark = pytest.mark.skipif(not available(), reason="no right to make namespaces")


def resolved(begin: list[str], name: str) -> object:
    command = [*begin, sys.executable, "-c", RESOLVE, name]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def test_a_name_has_the_addresses_that_it_is_given(tmp_path: Path) -> None:
    begin = with_hosts(tmp_path, {NAME: ["127.0.0.1", "127.0.0.2"], "localhost": ["127.0.0.1"]})
    assert resolved(begin, NAME) == ["127.0.0.1", "127.0.0.2"]
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(NAME, 1)


def test_where_no_name_exists_a_resolver_says_so(tmp_path: Path) -> None:
    log = tmp_path / "queries"
    assert resolved(without_any(log), NAME) == socket.EAI_NONAME
    assert NAME.partition(".")[0] in log.read_text()
