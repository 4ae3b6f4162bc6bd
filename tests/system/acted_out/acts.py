"""The ways to act out between a client and Lattice: a proxy, a relay, another handshake."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from smokegate.fault_proxy import Fault, FaultProxy, Latency, PresentTls
from smokegate.fault_proxy.certificates import Certificates
from smokegate.results import Exchange, JudgedRun

from tests.system.acted_out.stage import Act, Scene, Stage, verify
from tests.system.delay_relay import DelayRelay, Trouble

Count = Callable[[Sequence[JudgedRun]], int]


def proxied(*faults: Fault, **settings: object) -> Act:
    """A proxy between client and Lattice acts these faults out."""
    return drawn(lambda _: faults, **settings)


def drawn(draw: Callable[[int], Sequence[Fault]], **settings: object) -> Act:
    """A proxy acts out what is drawn for each run."""

    @contextmanager
    def act(stage: Stage, number: int) -> Iterator[Scene]:
        tls = stage.certificates.good().context()
        server = FaultProxy(stage.lattice.upstream, *draw(number), tls=tls)
        with stage.loop.serving(server) as proxy:
            yield Scene(proxy.url, lambda _: len(proxy.record.strikes), settings)

    return act


def presenting(context: Callable[[Certificates], ssl.SSLContext]) -> Act:
    """A proxy shakes hands with another certificate or other versions of TLS."""

    @contextmanager
    def act(stage: Stage, number: int) -> Iterator[Scene]:
        shown = Fault(PresentTls(context(stage.certificates)))
        with proxied(shown)(stage, number) as scene:
            yield scene

    return act


def relayed(draw: Callable[[int], Trouble]) -> Act:
    """A relay of bytes has the trouble that is drawn for each run."""

    @contextmanager
    def act(stage: Stage, number: int) -> Iterator[Scene]:
        server = DelayRelay(stage.lattice.url, rtt_s=0.0, troubles=[draw(number)])
        with stage.loop.serving(server) as relay:
            yield Scene(relay.url, lambda _: len(relay.struck))

    return act


def as_it_is(acted: Count, *arguments: str, at_once: int = 1, **settings: object) -> Act:
    """Lattice with nothing between; the records of the runs show what there is to be shown."""

    @contextmanager
    def act(stage: Stage, number: int) -> Iterator[Scene]:
        yield Scene(stage.lattice.url, acted, settings, arguments, at_once=at_once)

    return act


@contextmanager
def without_tls_too(stage: Stage, number: int) -> Iterator[Scene]:
    """The same service over plain HTTP on another port."""
    with stage.loop.serving(FaultProxy(stage.lattice.upstream)) as plain:
        settings = {"plain_http_port": plain.port}
        yield Scene(stage.lattice.url, lambda _: len(plain.record.received), settings)


def slower_than_before(before_s: float, after_s: float) -> Act:
    """A proxy holds every reply back, and longer than it did in the control run before."""

    @contextmanager
    def act(stage: Stage, number: int) -> Iterator[Scene]:
        baseline, tls = stage.folder / "baseline.json", stage.certificates.good().context()
        server = FaultProxy(stage.lattice.upstream, Fault(Latency(before_s)), tls=tls)
        with stage.loop.serving(server) as proxy:
            control = Scene(proxy.url, len, arguments=["--save-baseline", baseline])
            verify(control, stage, {"sample_requests": 0})
            later = Fault(Latency(after_s))
            stage.loop.run(proxy.act_out(later))
            count = proxy.record.times_acted
            yield Scene(proxy.url, lambda _: count(later), arguments=["--baseline", baseline])

    return act


def exchanges(runs: Sequence[JudgedRun]) -> Iterator[Exchange]:
    """Every request that the records of runs hold."""
    return (each for run in runs for attempt in run.attempts for each in attempt.exchanges)
