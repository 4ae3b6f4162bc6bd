"""The real service, as the other system tests start it."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest
from smokegate.fault_proxy import Fault, FaultProxy, SetStatus
from smokegate.fault_proxy.certificates import Certificates, ServedCertificate
from smokegate.fault_proxy.loop_thread import LoopThread

from tests.system.lattice_process import LatticeProcess
from tests.system.raw_client import ask


def test_the_shared_service_answers_over_tls(
    lattice: LatticeProcess, trusting: ssl.SSLContext
) -> None:
    answer = ask(lattice.url + "/version", tls=trusting)
    assert answer.status == 200
    assert json.loads(answer.body)["version"] == lattice.version


@pytest.mark.long
def test_it_stops_and_comes_back_on_the_same_port_with_its_data(
    tmp_path: Path, certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    account = {"email": "kept@example.com", "password": "Kept-Word-123!", "tenant_name": "kept"}
    body, headers = json.dumps(account).encode(), {"Content-Type": "application/json"}

    def register(lattice: LatticeProcess) -> int:
        url = lattice.url + "/api/auth/register"
        return ask(url, method="POST", body=body, headers=headers, tls=trusting).status

    with LatticeProcess(tmp_path, certificates.good(), certificates.ca_file) as lattice:
        url = lattice.url
        assert register(lattice) == 201
        lattice.stop()
        with pytest.raises(ConnectionRefusedError):
            ask(url + "/version", tls=trusting)
        lattice.start({"LATTICE_VERSION": "9.9.9"})
        assert (lattice.url, lattice.version) == (url, "9.9.9")
        assert register(lattice) == 409


def test_a_start_that_fails_shows_why(tmp_path: Path, certificates: Certificates) -> None:
    absent = ServedCertificate(tmp_path / "absent.pem", tmp_path / "absent.key")
    lattice = LatticeProcess(tmp_path, absent, certificates.ca_file)
    with pytest.raises(RuntimeError, match=r"ended with 2:\n.*LATTICE_TLS_CERT"):
        lattice.start()
    lattice.stop()


def test_a_fault_proxy_in_front_of_the_service(
    lattice: LatticeProcess, certificates: Certificates, trusting: ssl.SSLContext
) -> None:
    with LoopThread() as loop:
        broken = Fault(SetStatus(500), path="^/health$")
        context = certificates.good().context()
        proxy = loop.keep(FaultProxy(lattice.upstream, broken, tls=context))
        assert ask(proxy.url + "/version", tls=trusting).status == 200
        assert ask(proxy.url + "/health", tls=trusting).status == 500
        assert proxy.record.times_acted(broken) == 1
