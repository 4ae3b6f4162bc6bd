"""A real RabbitMQ that speaks nothing but TLS and asks for a password."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, Signals
from typing import Any

import amqp
from amqp.exceptions import NotFound
from smokegate.fault_proxy.certificates import Certificates
from smokegate.locations.messages import queue

from tests.system.command import ROOT
from tests.system.ports import free_port
from tests.system.tls_broker import PASSWORD, Sent, TlsBroker, program

USER, VHOST = "gate", "smokegate"
PERSISTENT = 2
MOST_MESSAGE_BYTES = 2_000_000
CONFIGURATION = """\
listeners.tcp = none
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {ca_file}
ssl_options.certfile = {chain_file}
ssl_options.keyfile = {key_file}
default_vhost = {vhost}
default_user = {user}
default_pass = {password}
max_message_size = {most_bytes}
log.file = false
log.console = true
log.console.level = warning
"""
DOCUMENTED = re.compile(r"^rabbitmqctl set_permissions -p smokegate gate (.*)$", re.MULTILINE)


class TlsRabbitMq(TlsBroker):
    """A node of its own, with a port mapper of its own; what it holds outlives a restart."""

    def __init__(self, certificates: Certificates, folder: Path) -> None:
        super().__init__(certificates)
        self.url = f"amqps://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{VHOST}"
        self._folder = folder
        self._mapper: subprocess.Popen[bytes] | None = None
        self._ports = free_port(), free_port()
        settings = CONFIGURATION.format(
            port=self.port,
            ca_file=self.ca_file,
            chain_file=self._served.chain_file,
            key_file=self._served.key_file,
            vhost=VHOST,
            user=USER,
            password=PASSWORD,
            most_bytes=MOST_MESSAGE_BYTES,
        )
        (folder / "rabbitmq.conf").write_text(settings)
        (folder / "advanced.config").write_text(_permissions())
        for empty in ("env.conf", "plugins"):
            (folder / empty).touch()

    def start(self) -> None:
        mapper_port, _ = self._ports
        # Without it, the node would start one that outlives it.
        self._mapper = subprocess.Popen(
            [program("epmd"), "-address", "127.0.0.1", "-port", str(mapper_port)]
        )
        try:
            super().start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> subprocess.Popen[bytes]:
        server = program("rabbitmq-server")
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen([server], env=self._environment(), stdout=log, stderr=log)
        self._wait_for(process)
        return process

    def _environment(self) -> dict[str, str]:
        mapper_port, distribution_port = self._ports
        own = {
            "ERL_CRASH_DUMP": "crash",
            "HOME": ".",
            "RABBITMQ_BASE": ".",
            "RABBITMQ_CONF_ENV_FILE": "env.conf",
            "RABBITMQ_CONFIG_FILE": "rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": "advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "plugins",
            "RABBITMQ_FEATURE_FLAGS_FILE": "feature_flags",
            "RABBITMQ_LOG_BASE": "logs",
            "RABBITMQ_MNESIA_BASE": "data",
        }
        return {
            "PATH": os.environ["PATH"],
            **{name: str(self._folder / path) for name, path in own.items()},
            "ERL_EPMD_PORT": str(mapper_port),
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }

    def stop(self, with_signal: Signals = SIGINT) -> None:
        super().stop(with_signal)
        if self._mapper is not None:
            self._mapper.terminate()
            self._mapper.wait()
            self._mapper = None

    def publish(self, location: str, sent: Sent) -> None:
        message = amqp.Message(
            sent.body,
            application_headers=sent.headers,
            content_type=sent.content_type,
            content_encoding="utf-8",
        )
        with self._channel() as channel:
            channel.basic_publish(message, routing_key=queue(location))

    def publish_no_messages(self, location: str) -> int:
        with self._channel() as channel:
            channel.basic_publish(amqp.Message(b"\xff\xfe no JSON"), routing_key=queue(location))
        self.publish(location, Sent({"task": 7, "id": [[]]}, "{}"))
        return 0  # it is Celery that refuses them

    def deliver_twice(self, location: str) -> Sent:
        with self._channel() as channel:
            message = channel.basic_get(queue(location), no_ack=True)
            assert message is not None
            for _ in range(2):
                again = amqp.Message(message.body, **message.properties)
                channel.basic_publish(again, routing_key=queue(location))
        return Sent(message.headers, str(message.body))

    def waiting(self, location: str) -> int:
        with self._channel() as channel:
            return int(channel.queue_declare(queue(location), passive=True).message_count)

    def has(self, name: str) -> bool:
        with self._channel() as channel:
            try:
                channel.queue_declare(name, passive=True)
            except NotFound:
                return False
        return True

    def is_kept(self, name: str) -> bool:
        """Whether the message that a queue gives next, and gets back, would outlive a restart."""
        with self._channel() as channel:
            message = channel.basic_get(name)
            return message is not None and message.properties["delivery_mode"] == PERSISTENT

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        with amqp.Connection(
            f"127.0.0.1:{self.port}",
            userid=USER,
            password=PASSWORD,
            virtual_host=VHOST,
            ssl={"ca_certs": self.ca_file, "server_hostname": "127.0.0.1"},
            confirm_publish=True,
        ) as connection:
            yield connection.channel()

    def _answers(self) -> bool:
        try:
            with self._channel():
                return True
        except OSError:
            return False


def _permissions() -> str:
    """What docs/locations.md lets the user configure, write and read, as RabbitMQ has it."""
    found = DOCUMENTED.search((ROOT / "docs/locations.md").read_text(encoding="utf-8"))
    assert found is not None
    patterns = [json.dumps(pattern) for pattern in shlex.split(found[1])]
    listed = ", ".join(f"<<{pattern}>>" for pattern in patterns)
    return f"[{{rabbit, [{{default_permissions, [{listed}]}}]}}]."
