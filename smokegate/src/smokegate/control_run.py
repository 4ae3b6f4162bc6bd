"""Control runs: what runs before the deployment give to the one after it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from smokegate.baseline import compared
from smokegate.errors import UsageError
from smokegate.results import Baseline, JudgedRun
from smokegate.run_file import RunFile, read_run
from smokegate.seal import is_signed
from smokegate.settings import Settings

Samples = dict[str, list[list[float]]]
_KEPT_RUNS = 5


class Earlier(msgspec.Struct, frozen=True):
    """What a run is compared with, and the samples that go on with it to the next one.

    `by_location` has the same of each location, where there were several: times from one are never
    compared with those from another.
    """

    baseline: Baseline | None = None
    samples: Samples = {}
    by_location: dict[str, Earlier] = {}

    @property
    def compared_samples(self) -> Samples:
        """The samples that times are compared with: none without a usable baseline."""
        return self.samples if self.baseline and not self.baseline.unusable else {}


def earlier(baseline: str, replaced: str, settings: Settings, moment: str) -> Earlier:
    """Read the baseline of a run that begins at a moment, and the file that it will replace.

    Either may be empty. Raises `UsageError` for a file that is no run, and will not be replaced.
    """
    before = read_run(baseline, "--baseline") if baseline else None
    kept = before or _read_replaced(replaced)
    is_kept = (
        kept is not None and kept.run.target == settings.url and not _why_doubtful(kept, settings)
    )
    is_compared = before is not None
    found = _of_run(kept, settings, moment, is_compared, is_kept) if kept else Earlier()
    locations = kept.run.locations if kept else []
    by_location = {
        each.name: _of_run(RunFile(each.run, kept.altered), settings, moment, is_compared, is_kept)
        for each in locations
        if kept and each.run
    }
    return msgspec.structs.replace(found, by_location=by_location)


def _of_run(
    read: RunFile, settings: Settings, moment: str, is_compared: bool, is_kept: bool
) -> Earlier:
    return Earlier(
        baseline=_compared(read, settings, moment) if is_compared else None,
        samples=_samples_after(read.run) if is_kept else {},
    )


def _compared(before: RunFile, settings: Settings, moment: str) -> Baseline:
    baseline = compared(
        before.run, target=settings.url, moment=moment, max_age_s=settings.baseline_max_age_s
    )
    why = baseline.unusable or _why_doubtful(before, settings)
    return msgspec.structs.replace(baseline, unusable=why)


def _why_doubtful(before: RunFile, settings: Settings) -> str:
    """Say why evidence is not to be trusted: it could excuse what it never saw."""
    if before.altered:
        return f"it was altered: {before.altered} is not as it was sealed"
    if settings.signing_key and not is_signed(before.run, settings.signing_key):
        return "it was not signed with this signing_key"
    return ""


def _read_replaced(file: str) -> RunFile | None:
    """Read what will be replaced: only an earlier run may be."""
    path = Path(file)
    if not file or not path.exists():
        return None
    if not path.is_file():
        raise UsageError(f"--save-baseline: {path} is no file")
    return read_run(path, "--save-baseline would replace it")


def _samples_after(run: JudgedRun) -> Samples:
    """The samples of the last good runs, with those of this one if it is good."""
    samples = {name: list(earlier) for name, earlier in run.earlier_samples.items()}
    if run.verdict.action.opens_the_gate and not run.partial:
        for check in run.everything:
            for name, times_s in check.samples.items():
                samples.setdefault(name, []).append(times_s)
    return {name: earlier[-_KEPT_RUNS:] for name, earlier in samples.items()}
