"""The benchmark beside other tools still runs, and means what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.time_to_verdict import measure, work
from bench.time_to_verdict.backend import FAULTS
from bench.time_to_verdict.server import Server, running
from bench.time_to_verdict.tools import HERE, Tool, bare, tools
from tests.system.nginx import HOW, NGINX

pytestmark = pytest.mark.skipif(not NGINX, reason=HOW)
COMPARED = [tool for tool in tools() if tool.name in ("smokegate", "pytest + requests")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as there:
        yield there


@pytest.mark.sampled(1)
@pytest.mark.parametrize("tool", COMPARED, ids=lambda tool: str(tool.name))
def test_a_tool_does_the_whole_work_and_notices_a_fault(
    server: Server, tool: Tool, tmp_path: Path
) -> None:
    done = measure.run_well(tool, server, server.url, tmp_path)
    assert done.seen.requests == work.REQUESTS
    if tool.name == "smokegate":
        assert (done.seen.connections, done.seen.protocols) == (1, frozenset({"HTTP/2.0"}))
    assert not measure.overlooked(tool, server, "lattice", tmp_path)


def test_what_is_compared_with_asks_the_same(server: Server, tmp_path: Path) -> None:
    done = measure.run_well(bare(), server, server.url, tmp_path)
    assert (done.seen.connections, done.seen.protocols) == (1, frozenset({"HTTP/2.0"}))


def test_other_work_is_said() -> None:
    assert work.difference(work.REQUESTS) == ""
    asked = work.REQUESTS + Counter({"GET /again": 1}) - Counter({"GET /version": 1})
    assert work.difference(asked) == "+1 GET /again, -1 GET /version"


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_check(fault: str) -> None:
    name = f"def test_{fault.replace(' ', '_')}("
    for folder in ("smokegate", "pytest_requests", "pytest_httpx"):
        files = (HERE / folder).glob("test_*.py")
        assert any(name in file.read_text(encoding="utf-8") for file in files), folder
