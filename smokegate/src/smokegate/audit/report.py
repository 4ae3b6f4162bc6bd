"""What an audit comes to: counts, scores, the matrix, and what is to be done about survivors."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from smokegate.audit.advice import advice_for
from smokegate.audit.live_results import BenignReport, LiveReport
from smokegate.audit.mutants import Mutant
from smokegate.audit.overcatching import OverCatch
from smokegate.audit.trials import Catch, Finding
from smokegate.results import Consequence

SCHEMA = 1


class Tally(msgspec.Struct, kw_only=True):
    """Counts of mutants by what became of them.

    `score` is the share caught of those that are not equivalent; what was caught by accident, and
    what is undecided, counts as not caught, and each over-catch as one more that was not. `warned`
    of those caught led to a warning only.
    """

    mutants: int = 0
    caught: int = 0
    warned: int = 0
    accidents: int = 0
    survived: int = 0
    undecided: int = 0
    equivalent: dict[str, int] = msgspec.field(default_factory=dict)
    score: float = 1.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of the matrix: what it is, who caught it, and what the gate would have said."""

    fault: str
    endpoint: str
    layer: str
    operator: str
    family: str
    fate: str
    rule: str
    verdict: str
    consequence: str
    caught_by: list[Catch]
    declared: str = ""  # a semantic mutant's row in a list of faults


class Survivor(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that nobody noticed: where, and the line that would notice it.

    `left` is the reason why the suites' author has decided to leave it; it counts all the same.
    """

    fault: str
    endpoint: str
    layer: str
    undecided: bool
    write: str
    in_checks: list[str]
    left: str = ""


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Checks by faults, of the endpoint family and the suite's own faults."""

    checks: list[str]
    rows: list[Row]


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an audit, as `--json` writes it.

    The counts at the top are those of the faults that a deployment can show: the endpoint family
    and the faults that the suite declares. `replies` has those of the reply family. `seconds` is
    what the mutants took, `record_seconds` what the live runs did.
    """

    schema: int = SCHEMA
    tool: str
    target: str
    recorded_at: str
    exchanges: int
    mutants: int
    caught: int
    warned: int
    accidents: int
    survived: int
    undecided: int
    equivalent: dict[str, int]
    score: float
    seconds: float
    record_seconds: float
    processes: int
    layers: dict[str, Tally]
    families: dict[str, Tally]
    replies: Tally
    blind: dict[str, Tally]  # the reply family by check or resource
    matrix: Matrix
    survivors: list[Survivor]
    redundant_checks: list[str]
    single_catchers: dict[str, int]
    over_catching: list[OverCatch]
    excluded: dict[str, str]
    live: LiveReport | None = None  # where it was asked for
    benign: BenignReport | None = None


def audit_of(
    findings: list[Finding],
    *,
    checks: list[str],
    owners: dict[str, list[str]],
    over_catching: list[OverCatch],
    excluded: dict[str, str],
    left: dict[str, str],
    value_at: Callable[[Mutant], Any],
    about: dict[str, object],
) -> Audit:
    """Sum up the findings.

    `owners` are the checks and resources that use each endpoint; `value_at` gives what stands
    unbroken where a mutant strikes.
    """
    faults = [each for each in findings if each.mutant.family != "reply"]
    replies = [each for each in findings if each.mutant.family == "reply"]
    whole = tally(faults, over_caught=len(over_catching))
    return msgspec.convert(
        {
            **{name: getattr(whole, name) for name in Tally.__struct_fields__},
            **about,
            # Where there was nothing to notice, nothing is proven.
            "score": whole.score if whole.mutants > sum(whole.equivalent.values()) else 0.0,
            "layers": _tallies(faults, lambda mutant: mutant.layer),
            "families": _tallies(findings, lambda mutant: mutant.family),
            "replies": tally(replies),
            "blind": _tallies(replies, lambda mutant: mutant.owner),
            "matrix": Matrix(
                checks=_with_resources(checks, faults), rows=[_row(each) for each in faults]
            ),
            "survivors": [
                _survivor(each, owners.get(each.mutant.endpoint, []), left, value_at(each.mutant))
                for each in faults
                if each.fate in ("survived", "undecided", "accident")
            ],
            "redundant_checks": redundant(faults, checks),
            "single_catchers": single_catchers(faults),
            "over_catching": over_catching,
            "excluded": excluded,
        },
        Audit,
        from_attributes=True,
    )


def tally(findings: Iterable[Finding], *, over_caught: int = 0) -> Tally:
    """Count findings by their fate."""
    there = list(findings)
    fates = Counter(each.fate for each in there)
    rules = Counter(each.rule for each in there if each.fate == "equivalent")
    decided = len(there) - fates["equivalent"] + over_caught
    return Tally(
        mutants=len(there),
        caught=fates["caught"],
        warned=sum(each.fate == "caught" and consequence_of(each) == "warn" for each in there),
        accidents=fates["accident"],
        survived=fates["survived"],
        undecided=fates["undecided"],
        equivalent=dict(rules),
        score=round(fates["caught"] / decided, 6) if decided else 1.0,
    )


def redundant(faults: list[Finding], checks: list[str]) -> list[str]:
    """The checks without which every fault that is caught still would be, each taken by itself."""
    needed = set(single_catchers(faults))
    catching = {catch.check for each in faults for catch in _deliberate(each)}
    return [check for check in checks if check in catching and check not in needed]


def single_catchers(faults: list[Finding]) -> dict[str, int]:
    """How many faults each check alone catches."""
    counts: Counter[str] = Counter()
    for finding in faults:
        catchers = {catch.check for catch in _deliberate(finding)}
        if len(catchers) == 1:
            counts.update(catchers)
    return dict(counts)


def consequence_of(finding: Finding) -> str:
    """The most severe thing that a fault meant to any check."""
    found = [Consequence(each.consequence) for each in _deliberate(finding)]
    return max(found, key=lambda each: each.severity).value if found else ""


def _with_resources(checks: list[str], faults: list[Finding]) -> list[str]:
    """The checks, and the resources that noticed something by themselves."""
    catchers = {catch.check: None for each in faults for catch in each.catches}
    return list(dict.fromkeys([*checks, *catchers]))


def _deliberate(finding: Finding) -> list[Catch]:
    return [each for each in finding.catches if not each.accidental]


def _tallies(findings: list[Finding], key: Callable[[Mutant], str]) -> dict[str, Tally]:
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[key(finding.mutant)].append(finding)
    return {name: tally(there) for name, there in groups.items()}


def _row(finding: Finding) -> Row:
    mutant = finding.mutant
    return Row(
        fault=mutant.words,
        endpoint=mutant.endpoint,
        layer=mutant.layer,
        operator=mutant.operator,
        family=mutant.family,
        fate=finding.fate,
        rule=finding.rule,
        verdict=finding.verdict,
        consequence=consequence_of(finding),
        caught_by=finding.catches,
        declared=mutant.declared,
    )


def _survivor(finding: Finding, users: list[str], left: dict[str, str], value: Any) -> Survivor:
    mutant: Mutant = finding.mutant
    return Survivor(
        fault=mutant.words,
        endpoint=mutant.endpoint,
        layer=mutant.layer,
        undecided=finding.fate == "undecided",
        write=advice_for(mutant, value),
        in_checks=users,
        left=next((why for each, why in left.items() if fnmatchcase(mutant.words, each)), ""),
    )
