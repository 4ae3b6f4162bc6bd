"""The result files of a run: each whole or absent, none ever overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from smokegate.errors import ReportError
from smokegate.reports.junit import junit, suites_of
from smokegate.reports.last_good import LastGood
from smokegate.reports.summary import summary
from smokegate.results import JudgedRun, to_json
from smokegate.whole_file import write_named, write_whole

_UNSAFE = str.maketrans(dict.fromkeys('/\\:*?"<>|\x00', "_"))


def write_all(
    run: JudgedRun,
    folder: Path,
    last_good: Callable[[], LastGood | None] = lambda: None,
    evidence: bytes = b"",
) -> list[Path]:
    """Write every report of a run into a folder and return the paths.

    All files of a run share a time stamp, with a number where another run began in the same
    second. `last_good`, which may take its time, is called when all but the page is written;
    `evidence` is the run as JSON, where that is made already. Raises `ReportError`, in one line, if
    they cannot be written.
    """
    return write_together(
        folder, run.started_at, _contents(run, last_good, evidence or to_json(run))
    )


def write_together(
    folder: Path, moment: str, contents: Mapping[tuple[str, str], Callable[[], bytes]]
) -> list[Path]:
    """Write files under the stamp of one moment; `contents` has stem and suffix of each name.

    Raises `ReportError`, in one line, if they cannot be written.
    """
    written = []
    with _explained("results were", folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _claimed_stamp(folder, _timestamp(moment), list(contents)) as stamp:
            for (stem, suffix), make in contents.items():
                path = folder / f"{stem}_{stamp}{suffix}"
                write_whole(path, make())
                written.append(path)
    return written


def write_json(evidence: bytes, path: Path) -> None:
    """Write a run that is JSON already to one file, replacing what stands there.

    Raises `ReportError`, in one line, if it cannot be written.
    """
    with _explained(f"{path} was", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_named(path, evidence)


def _contents(
    run: JudgedRun, last_good: Callable[[], LastGood | None], evidence: bytes
) -> dict[tuple[str, str], Callable[[], bytes]]:
    """The reports by stem and suffix of their names, made one by one.

    The evidence itself comes first, so that nothing which a later one meets can take it away.
    """
    suites = {
        (suite.translate(_UNSAFE), ".xml"): partial(junit, run, suite) for suite in suites_of(run)
    }
    return {
        ("run", ".json"): lambda: evidence,
        ("summary", ".txt"): lambda: summary(run).encode("utf-8", "backslashreplace"),
        **suites,
        ("report", ".html"): lambda: _page(run, last_good()),
    }


def _page(run: JudgedRun, last_good: LastGood | None) -> bytes:
    from smokegate.reports.page import page

    return page(run, last_good).encode("utf-8", "backslashreplace")


def _timestamp(moment: str) -> str:
    """The second of a moment, as in 20250131_235959."""
    date, _, time = moment.partition("T")
    return f"{date.replace('-', '')}_{time[:8].replace(':', '')}"


@contextmanager
def _claimed_stamp(folder: Path, timestamp: str, names: list[tuple[str, str]]) -> Iterator[str]:
    """Find a stamp that no file has, and keep other processes off it for the time being."""
    number, stamp = 1, timestamp
    while True:
        claim = folder / f".{stamp}.claim"
        if _claim(claim):
            try:
                if not any((folder / f"{stem}_{stamp}{suffix}").exists() for stem, suffix in names):
                    yield stamp
                    return
            finally:
                claim.unlink(missing_ok=True)
        number += 1
        stamp = f"{timestamp}_{number}"


def _claim(claim: Path) -> bool:
    try:
        claim.open("xb").close()
    except FileExistsError:
        return False
    return True


@contextmanager
def _explained(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = "" if what.startswith(str(path)) else f"{error.filename or path}: "
        raise ReportError(f"{what} not written: {where}{error.strerror or error}") from None
