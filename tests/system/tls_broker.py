"""A real Redis that speaks nothing but TLS and asks for a password."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest
import redis
from smokegate.fault_proxy.certificates import Certificates

from tests.lattice.servers import POLL_S, STARTS_WITHIN_S, Server

PASSWORD = "a-password-of-the-broker"


class TlsBroker(Server):
    """What runs and workers meet at; what it holds is lost when it is stopped."""

    def __init__(self, certificates: Certificates) -> None:
        super().__init__()
        self._certificates = certificates
        self._served = certificates.good()
        self.url = f"rediss://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.ca_file = str(certificates.ca_file)

    def _start(self) -> subprocess.Popen[bytes]:
        binary = shutil.which("redis-server")
        if binary is None:
            pytest.skip("redis-server with TLS is missing: make ci-tools installs it")
        tls = {
            "--tls-port": str(self.port),
            "--tls-cert-file": str(self._served.chain_file),
            "--tls-key-file": str(self._served.key_file),
            "--tls-ca-cert-file": self.ca_file,
            "--tls-auth-clients": "no",
        }
        others = {"--port": "0", "--bind": "127.0.0.1", "--save": "", "--requirepass": PASSWORD}
        options = [word for pair in (tls | others).items() for word in pair]
        process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
        ends = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError("Redis did not start")
            time.sleep(POLL_S)
        return process

    def client(self) -> redis.Redis:
        """A client of ours."""
        return redis.Redis(
            port=self.port, host="127.0.0.1", password=PASSWORD, ssl=True, ssl_ca_certs=self.ca_file
        )

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False
