"""A whole watch as text: its verdict, its rounds in runs of equal ones, and its error budget."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from smokegate.reports.escaping import one_line
from smokegate.reports.layout import Rows, labelled, paragraph
from smokegate.reports.pen import Pen
from smokegate.reports.table import Column
from smokegate.reports.terminal import BOLD, COLORS_OF_ACTIONS
from smokegate.reports.wording import leftovers_in_words, seconds, several
from smokegate.results import Action
from smokegate.watch.budget import Budget
from smokegate.watch.conclusion import Conclusion, Ending
from smokegate.watch.memory import Watched
from smokegate.watch.progress import SIGNS, change_in_words, clock_time, round_in_words
from smokegate.watch.rounds import Result, Round

_BARS = "▁▂▃▄▅▆▇█"
_MOST_BARS = 60
_TO_DO = {
    Action.PROCEED: "Nothing speaks against the release.",
    Action.MONITOR: "Keep the release, and watch what did not pass.",
    Action.INVESTIGATE: "Look into what was seen; it does not call for a rollback now.",
    Action.ROLLBACK: "Roll the release back.",
    Action.INCONCLUSIVE: "There is no verdict on the whole time.",
}


def report(watched: Watched, conclusion: Conclusion, budget: Budget, pen: Pen) -> Iterator[str]:
    """The report of a watch that has ended, line by line."""
    yield ""
    if watched.rounds:
        yield from _rounds(watched, pen)
        yield ""
    partial = " (partial)" if watched.partial else ""
    headline = f"{conclusion.action.name}{partial}: {one_line(conclusion.reason)}"
    yield from pen.title(headline, f"{BOLD};{COLORS_OF_ACTIONS[conclusion.action]}")
    yield from paragraph(_TO_DO[conclusion.action], width=pen.width)
    yield from labelled(_facts(watched, conclusion, budget), width=pen.width, indent="  ")


def _facts(watched: Watched, conclusion: Conclusion, budget: Budget) -> Rows:
    version = f", version {one_line(watched.standing.version)}" if watched.standing.version else ""
    rows: Rows = [
        ("target", f"{one_line(watched.target)}{version}, {one_line(watched.environment)}"),
        ("watched", _watched(watched, conclusion, budget)),
        ("available", _availability(budget)),
        ("requests", _requests(budget)),
        ("latency", _latency(watched)),
    ]
    rows += [
        ("change", f"{clock_time(watched, each.at_s)} {one_line(change_in_words(each))}")
        for each in watched.changes
    ]
    rows += [("left", words) for words in leftovers_in_words(watched.left)]
    return [row for row in rows if row[1]]


def _watched(watched: Watched, conclusion: Conclusion, budget: Budget) -> str:
    last = watched.rounds[-1] if watched.rounds else None
    took = seconds(last.at_s + last.took_s) if last else "not at all"
    number = sum(not each.again for each in watched.rounds)
    skipped = sum(each.skipped for each in watched.rounds)
    words = [f"{took}, {several(number, 'round')}"]
    words += [f"{budget.unknown} without an answer"] if budget.unknown else []
    words += [f"{several(skipped, 'slot')} skipped"] if skipped else []
    words += [f"ended by {conclusion.ending.value}"] if conclusion.ending in _EARLY else []
    return ", ".join(words)


_EARLY = (Ending.ROLLBACK, Ending.VERSION)


def _availability(budget: Budget) -> str:
    if budget.availability is None or budget.lowest is None or budget.highest is None:
        return ""
    return (
        f"{budget.good} of {budget.good + budget.bad} rounds good, {budget.availability:.2%} "
        f"(95%: {budget.lowest:.1%} to {budget.highest:.1%}); "
        f"objective {budget.objective:g}%, {_used(budget)}"
    )


def _used(budget: Budget) -> str:
    used = budget.used or 0.0
    if used > 1:
        return f"its error budget is used up {used:.1f} times"
    return f"{used:.0%} of its error budget used"


def _requests(budget: Budget) -> str:
    if not budget.requests:
        return ""
    share = budget.failed_requests / budget.requests
    return f"{budget.failed_requests} of {budget.requests} failed ({share:.2%})"


def _latency(watched: Watched) -> str:
    """The medians of the light rounds, which ask the same; without any, of the full ones."""
    slots = [each for each in watched.rounds if not each.again]
    there = [each for each in slots if not each.full] or slots
    times_s = [each.median_s for each in there if each.median_s is not None]
    if not times_s:
        return ""
    middle = sorted(times_s)[len(times_s) // 2]
    words = f"{seconds(middle)} a request, {seconds(max(times_s))} in the slowest round"
    return f"{_bars(times_s)}  {words}"


def _bars(times_s: list[float]) -> str:
    """A bar for each round, or for as many as fit into a line."""
    each = -(-len(times_s) // _MOST_BARS)
    slowest = [max(times_s[at : at + each]) for at in range(0, len(times_s), each)]
    most = max(slowest) or 1.0
    return "".join(_BARS[round(time_s / most * (len(_BARS) - 1))] for time_s in slowest)


def _rounds(watched: Watched, pen: Pen) -> Iterator[str]:
    """Runs of rounds with the same result."""
    groups = [list(group) for _, group in groupby(watched.rounds, lambda each: each.result)]
    seen = [_seen(group, pen.width) for group in groups]
    yield from pen.table(
        Column(
            heading="from",
            cells=[clock_time(watched, group[0].at_s) for group in groups],
            left=True,
        ),
        Column(heading="to", cells=[clock_time(watched, group[-1].at_s) for group in groups]),
        Column(heading="rounds", cells=[str(len(group)) for group in groups]),
        Column(heading="", cells=[SIGNS[group[0].result] for group in groups]),
        Column(heading="what was seen", cells=seen, left=True),
    )


def _seen(group: list[Round], width: int) -> str:
    """What a run of rounds has in common, or what the last full one of them says."""
    if group[0].result is Result.GOOD:
        return "good"
    told = [each for each in group if each.full] or group
    return one_line(round_in_words(told[-1]), max(width - 40, 20))
