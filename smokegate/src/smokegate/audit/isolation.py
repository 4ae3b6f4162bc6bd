"""What surrounds a replay: no network, no clock but the loop's, no luck, and nothing said.

A check that reaches past its client would act thousands of times, or find another answer each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import socket
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn
from unittest.mock import patch

_NETWORK = ("connect", "connect_ex", "sendto", "bind")
_NAMES = ("getaddrinfo", "gethostbyname", "create_connection")
_CLOCKS = ("time", "monotonic", "perf_counter")


class Unreachable(RuntimeError):
    """A check tried to reach something in a replay, past its client."""


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Replay within: sockets refuse, clocks go as the loop's does, and prints go nowhere."""
    with contextlib.ExitStack() as stack:
        nowhere = stack.enter_context(open(os.devnull, "w"))  # noqa: PTH123
        stack.enter_context(contextlib.redirect_stdout(nowhere))
        stack.enter_context(contextlib.redirect_stderr(nowhere))
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        for name in _NETWORK:
            stack.enter_context(patch.object(socket.socket, name, _refuse))
        for name in _NAMES:
            stack.enter_context(patch.object(socket, name, _refuse))
        for name in _CLOCKS:
            stack.enter_context(patch.object(time, name, _clock(getattr(time, name))))
        yield


def seed(run_id: str, owner: str) -> None:
    """Let whatever an owner draws be the same in each of its replays."""
    random.seed(f"{run_id}/{owner}")


def _clock(real: Callable[[], float]) -> Callable[[], float]:
    """A clock that began when the replay did and goes as the loop's does."""
    begun_s = real()

    def now() -> float:
        try:
            return begun_s + asyncio.get_running_loop().time()
        except RuntimeError:
            return real()

    return now


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise Unreachable("a replay has no network: a check reaches the target through its client only")
