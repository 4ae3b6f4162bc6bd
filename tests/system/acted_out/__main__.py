"""Acts rows out and writes the document; see `tests.system.acted_out`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.system.acted_out import campaign
from tests.system.acted_out.document import document
from tests.system.acted_out.rows import Row
from tests.system.acted_out.table import CONDITIONS, FAULTS, ROWS
from tests.system.command import ROOT

GROUPS: dict[str, Sequence[Row]] = {"conditions": CONDITIONS, "faults": FAULTS}
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Return 0 if every row that was asked for is as it must be, 1 if not."""
    options = _options()
    rows: list[Row] = options.only or list(ROWS)
    tell = partial(print, flush=True)
    ended_well = campaign.run(rows, options.runs, options.results, options.workers, tell)
    results = campaign.results_in(options.results)
    options.out.write_text(document(ROWS, results), encoding="utf-8")
    by_id = {row.id: row for row in rows}
    flawed = [each for each in results if each.row in by_id and by_id[each.row].flaw(each)]
    print(f"{len(results)} results, {len(flawed)} not as they must be; see {options.out}")
    return int(bool(flawed) or not ended_well)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.system.acted_out")
    parser.add_argument("--runs", type=int, default=1, help="results for each row; 0: write only")
    parser.add_argument("--only", type=_rows, metavar="IDS", help="B01,F17; or conditions, faults")
    parser.add_argument("--results", type=Path, default=RESULTS, help="a folder, not in git")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/acted-out.md", help="the document")
    parser.add_argument("--workers", type=int, default=2, help="rows acted out at once")
    return parser.parse_args()


def _rows(text: str) -> list[Row]:
    known: dict[str, Sequence[Row]] = {**GROUPS, **{row.id: [row] for row in ROWS}}
    if unknown := [name for name in text.split(",") if name not in known]:
        raise argparse.ArgumentTypeError(f"there is no row {unknown[0]!r}")
    return [row for name in text.split(",") for row in known[name]]


if __name__ == "__main__":
    sys.exit(main())
