"""What is asked of a broker while locations verify."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smokegate.control_run import Earlier
from smokegate.errors import BrokerError
from smokegate.locations.asking import Asking

from smokegate import engine, settings
from tests.gate.locations.test_task import SUITE, URL
from tests.gate.suite_folder import suite_folder


class Post:
    """One whose results can be got once, at which asking for anything else fails."""

    def __init__(self) -> None:
        self._results = [b"a result"]

    def send(self, *_: object) -> None:
        """Take it."""

    def result(self, _: str) -> bytes | None:
        """The result, once."""
        return self._results.pop() if self._results else None

    def is_taken(self, _: str) -> bool:
        """Nobody can say."""
        raise BrokerError("the connection broke")

    def __getattr__(self, _: str) -> Any:
        return lambda *_: False


def test_a_result_that_is_there_is_not_lost_by_another_question(tmp_path: Path) -> None:
    with suite_folder(tmp_path / "suites") as suites:
        suites.write("test_asked.py", SUITE)
        options = {"url": URL, "require": ["health"], "location_wait_s": 0.01}
        configured = settings.load(options, {}, suites.path)
        plan = engine.load([suites.path], configured)
        post: Any = Post()
        asking = Asking(
            configured, plan, "20260131-120000-abcdef", Earlier(), lambda _: None, post=post
        )
        (part,) = asking.ask(["eu"], lambda _: None)
    assert part.reason.startswith("its answer cannot be read")
