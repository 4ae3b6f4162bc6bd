"""A fault proxy in front of a target, and whole runs of the suites that verify it through that."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from smokegate import gate
from smokegate.audit.production import refuse_production
from smokegate.engine import Event, Plan
from smokegate.errors import AuditError, UsageError
from smokegate.fault_proxy import Fault, FaultProxy, LoopThread, Record, Upstream
from smokegate.fault_proxy.certificates import Certificates
from smokegate.resources import removers_in
from smokegate.results import JudgedRun
from smokegate.settings import Settings
from smokegate.watchdog import GiveUp

_TRIES = 3


@dataclass(frozen=True)
class Subject:
    """What is audited: a target, and how it is verified.

    `load_plan` loads the suites, which lie in `suites`, for the settings of one run. `tell` hears
    in a line what is being done; `give_up` is the one of `gate.verify`. `owns` says that the
    target may be used even if it is taken for production.
    """

    settings: Settings
    load_plan: Callable[[Settings], Plan]
    suites: Sequence[Path]
    give_up: GiveUp
    tell: Callable[[str], None]
    owns: bool = False


@dataclass(frozen=True)
class Performance:
    """One run of the suites, and what passed through the proxy meanwhile."""

    run: JudgedRun
    faults: tuple[Fault, ...]
    record: Record
    seconds: float

    @property
    def delivered(self) -> int:
        """How often a fault was acted out."""
        return sum(map(self.record.times_acted, self.faults))

    @property
    def failing(self) -> list[str]:
        """The checks and probes that did not pass because of the target."""
        return [each.id for each in self.run.everything if each.outcome.fails]

    @property
    def trouble(self) -> str:
        """Why it says nothing about its faults, if it does not."""
        if self.record.upstream_failures:
            return f"the target did not answer the fault proxy: {self.record.upstream_failures[0]}"
        return "" if self.delivered else "it was never delivered"


class Front:
    """Stands in front of the target of a subject; made by `standing`.

    Every run has a proxy of its own, which speaks TLS if the target does, with certificates of an
    authority that this run alone trusts.
    """

    def __init__(self, subject: Subject, certificates: Certificates, loop: LoopThread) -> None:
        target = subject.settings.target
        self.subject = subject
        self.certificates = certificates
        self._loop = loop
        self._upstream = Upstream(
            f"{target.scheme}://{target.netloc}",
            Path(subject.settings.ca_file) if subject.settings.ca_file else None,
            by_its_name=_is_name(target.hostname or ""),
        )
        self._tls = certificates.good().context() if target.scheme == "https" else None

    def act_out(
        self, title: str, draw: Callable[[int], Sequence[Fault]], **changes: Any
    ) -> Performance:
        """Verify the target while what is drawn is acted out; `draw` gets the number of the try.

        What was never delivered, or not alone, is tried again; raises `AuditError` in the end.
        """
        trouble = ""
        for number in range(_TRIES):
            performance = self.verify(*draw(number), **changes)
            trouble = performance.trouble
            if not trouble:
                return performance
            self.subject.tell(f"{title}: {trouble}; once more")
        raise AuditError(f"{title}: {trouble}, in {_TRIES} runs")

    def verify(self, *faults: Fault, **changes: Any) -> Performance:
        """Verify the target once while these faults are acted out, with some settings changed."""
        server = FaultProxy(self._upstream, *faults, tls=self._tls)
        with self._loop.serving(server) as proxy:
            started_s = time.monotonic()
            run = self._verify(self._through(proxy, changes))
            seconds = time.monotonic() - started_s
        if run.interrupted:
            raise KeyboardInterrupt
        self._remove_what_is_left(run)
        return Performance(run, faults, proxy.record, round(seconds, 3))

    def _verify(self, settings: Settings) -> JudgedRun:
        subject = self.subject
        return gate.verify(
            settings,
            partial(subject.load_plan, settings),
            _hear_nothing,
            suites=[str(path.resolve()) for path in subject.suites],
            give_up=self._give_up,
            behind=subject.settings,
        )

    def _through(self, proxy: FaultProxy, changes: dict[str, Any]) -> Settings:
        settings = self.subject.settings
        return msgspec.structs.replace(
            settings,
            url=proxy.url + settings.target.path,
            url_given=True,
            ca_file=str(self.certificates.ca_file) if self._tls else "",
            **changes,
        )

    def _remove_what_is_left(self, run: JudgedRun) -> None:
        """Remove at the target itself what a fault has kept the run from removing."""
        settings = self.subject.settings
        if not run.leftovers:
            return
        left = gate.sweep(settings, removers_in, only_at=settings.url, tell=_hear_nothing)
        for line in left:
            if run.run_id in line:
                self.subject.tell(f"left: {line}")

    def _give_up(self, reason: str) -> None:
        shutil.rmtree(self.certificates.ca_file.parent, ignore_errors=True)
        self.subject.give_up(reason)


@contextmanager
def standing(subject: Subject) -> Iterator[Front]:
    """Stand in front of a target as long as the block runs.

    Raises `UsageError` if it is not to be used so, or cannot be.
    """
    settings = subject.settings
    refuse_production(settings, owns=subject.owns)
    if settings.proxy:
        raise UsageError("the fault proxy goes to the target directly: leave out the setting proxy")
    gate.refuse_no_target(settings)
    gate.refuse_unreadable_authority(settings.ca_file)
    with tempfile.TemporaryDirectory(prefix="smokegate-audit-") as folder, LoopThread() as loop:
        yield Front(subject, Certificates(Path(folder)), loop)


def _is_name(host: str) -> bool:
    """Whether it is a name by which a server may tell one service from another."""
    return host != "localhost" and ":" not in host and not host.replace(".", "").isdigit()


def _hear_nothing(_: Event | str) -> None:
    """What single runs tell is no news here."""
