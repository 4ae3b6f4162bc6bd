"""What a run writes arrives once, even where kept connections are lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from smokegate.fault_proxy import Fault, FaultProxy, FirstN, ResetBeforeReply
from smokegate.fault_proxy.certificates import Certificates
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.system.command import Commands
from tests.system.lattice_process import LatticeProcess

# What the clean-up sends, which is no part of the record of checks and resources.
CLEAN_UP = ("/api/auth/login", "/api/auth/me")


def test_no_write_arrives_twice(
    tmp_path: Path, certificates: Certificates, lattice: LatticeProcess
) -> None:
    lost = Fault(ResetBeforeReply(), method="POST", reused=True, when=FirstN(1))
    server = FaultProxy(lattice.upstream, lost, tls=certificates.good().context())
    with LoopThread() as loop, loop.serving(server) as proxy:
        settings = {"PRODUCTION_URL": proxy.url, "SMOKEGATE_CA_FILE": str(lattice.ca_file)}
        commands = Commands(tmp_path, settings)
        commands.smokegate("run")
    run = commands.last_run
    exchanges = [exchange for attempt in run.attempts for exchange in attempt.exchanges]
    recorded = Counter((each.method, urlsplit(each.url).path) for each in exchanges)
    arrived = Counter(
        (each.method, each.target.partition("?")[0])
        for each in proxy.record.forwarded
        if each.method not in ("GET", "HEAD", "OPTIONS") and each.target not in CLEAN_UP
    )
    assert ("POST", "/api/auth/register") in arrived
    assert not arrived - recorded, "more writes arrived than the record says"
    assert {each.sends for each in exchanges if each.method == "POST"} <= {0, 1}
    assert proxy.record.times_acted(lost) == 1, "no kept connection was lost"
