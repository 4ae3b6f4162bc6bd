"""Real brokers that speak nothing but TLS and ask for a password."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from abc import abstractmethod
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import redis
from smokegate.fault_proxy.certificates import Certificates
from smokegate.locations.messages import queue

from tests.lattice.servers import POLL_S, STARTS_WITHIN_S, Server

PASSWORD = "a-password-of-the-broker"
# Debian has a wrapper before it in the path, which would become another user.
UNWRAPPED = "/usr/lib/rabbitmq/bin"


class Sent(NamedTuple):
    """A message to a location, as Celery has them."""

    headers: dict[str, Any]
    body: str
    content_type: str = "application/json"


class TlsBroker(Server):
    """What runs and workers meet at."""

    url: str

    def __init__(self, certificates: Certificates) -> None:
        super().__init__()
        self._served = certificates.good()
        self.ca_file = str(certificates.ca_file)

    @abstractmethod
    def publish(self, location: str, sent: Sent) -> None:
        """Send a location anything."""

    @abstractmethod
    def publish_no_messages(self, location: str) -> int:
        """Send what cannot be read as a message; how often a worker says that it refuses one."""

    @abstractmethod
    def deliver_twice(self, location: str) -> Sent:
        """Have the one message that waits for a location delivered twice; give it."""

    @abstractmethod
    def waiting(self, location: str) -> int:
        """How many messages wait for a location."""

    @abstractmethod
    def has(self, name: str) -> bool:
        """Whether there is a queue, or a list, of this name."""

    @abstractmethod
    def _answers(self) -> bool: ...

    def _wait_for(self, process: subprocess.Popen[bytes]) -> None:
        ends = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > ends:
                process.terminate()
                process.wait()
                raise RuntimeError(f"{process.args!r} did not start")
            time.sleep(POLL_S)


def program(name: str) -> str:
    """Where a broker's program is; skips where it is not."""
    binary = shutil.which(name, path=f"{UNWRAPPED}:{os.environ['PATH']}:/usr/sbin")
    if binary is None:
        pytest.skip(f"{name} is missing: make ci-tools installs it")
    return binary


class TlsRedis(TlsBroker):
    """What it holds is lost when it is stopped."""

    def __init__(self, certificates: Certificates) -> None:
        super().__init__(certificates)
        self.url = f"rediss://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def _start(self) -> subprocess.Popen[bytes]:
        tls = {
            "--tls-port": str(self.port),
            "--tls-cert-file": str(self._served.chain_file),
            "--tls-key-file": str(self._served.key_file),
            "--tls-ca-cert-file": self.ca_file,
            "--tls-auth-clients": "no",
        }
        others = {"--port": "0", "--bind": "127.0.0.1", "--save": "", "--requirepass": PASSWORD}
        options = [word for pair in (tls | others).items() for word in pair]
        process = subprocess.Popen([program("redis-server"), *options], stdout=subprocess.DEVNULL)
        self._wait_for(process)
        return process

    def publish(self, location: str, sent: Sent) -> None:
        task_id = str(uuid4())
        message = {
            "body": base64.b64encode(sent.body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": sent.content_type,
            "headers": sent.headers,
            "properties": {
                "correlation_id": task_id,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue(location)},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": task_id,
            },
        }
        self._push(location, json.dumps(message))

    def publish_no_messages(self, location: str) -> int:
        self._push(location, "no JSON")
        self._push(location, "{}")
        return 2

    def deliver_twice(self, location: str) -> Sent:
        with self._client() as client:
            (message,) = client.lrange(queue(location), 0, -1)
        self._push(location, message)
        sent = json.loads(message)
        return Sent(sent["headers"], base64.b64decode(sent["body"]).decode())

    def waiting(self, location: str) -> int:
        with self._client() as client:
            return int(client.llen(queue(location)))

    def has(self, name: str) -> bool:
        with self._client() as client:
            return bool(client.exists(name))

    def _push(self, location: str, message: str | bytes) -> None:
        with self._client() as client:
            client.lpush(queue(location), message)

    def _client(self) -> redis.Redis:
        return redis.Redis(
            port=self.port, host="127.0.0.1", password=PASSWORD, ssl=True, ssl_ca_certs=self.ca_file
        )

    def _answers(self) -> bool:
        with self._client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False
