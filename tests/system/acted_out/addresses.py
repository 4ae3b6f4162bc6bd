"""The ways to act out in what a name resolves to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from smokegate.fault_proxy import Fault, FaultProxy, Refuse
from smokegate.results import JudgedRun

from tests.system import delayed_link, names
from tests.system.acted_out.acts import Count, exchanges
from tests.system.acted_out.stage import Act, Scene, Stage, need

ALIVE = "127.0.0.1"  # where Lattice listens


@contextmanager
def no_such_name(stage: Stage, number: int) -> Iterator[Scene]:
    """A resolver that says that the name does not exist."""
    need(names.available(), "the right to make namespaces")
    log = stage.folder / "queries"
    url, begin = f"https://{names.NAME}", names.without_any(log)
    yield Scene(url, lambda _: len(log.read_text().splitlines()), begin=begin)


def one_dead(dead: str) -> Act:
    """A name with two addresses: Lattice's, and one that refuses every connection."""

    @contextmanager
    def act(stage: Stage, number: int) -> Iterator[Scene]:
        port = urlsplit(stage.lattice.url).port or 0
        refusing = FaultProxy(stage.lattice.upstream, Fault(Refuse()), host=dead, port=port)
        with stage.loop.serving(refusing):
            yield _named(stage, dead, _count_refused)

    return act


@contextmanager
def ipv6_first(stage: Stage, number: int) -> Iterator[Scene]:
    """A name whose IPv6 address comes first and never answers."""
    need(delayed_link.available(), "the right to make a network device")
    with delayed_link.DeadEnd() as nowhere:
        yield _named(stage, nowhere.address, lambda _: nowhere.count())


def _named(stage: Stage, other: str, acted: Count) -> Scene:
    """A name that has Lattice's address and another one."""
    need(names.available(), "the right to make namespaces")
    begin = names.with_hosts(stage.folder, {names.NAME: [other, ALIVE]})
    url = f"https://{names.NAME}:{urlsplit(stage.lattice.url).port}"
    return Scene(url, acted, begin=begin)


def _count_refused(runs: Sequence[JudgedRun]) -> int:
    troubles = (each.trouble for each in exchanges(runs))
    return sum(trouble is not None and trouble.kind == "refused" for trouble in troubles)
