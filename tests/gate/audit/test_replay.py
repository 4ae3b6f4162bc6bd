"""A replay of one owner comes to the same as a run of the whole engine."""

from __future__ import annotations

import random

import pytest
from smokegate.audit.mutants import Mutant
from smokegate.audit.trials import Finding
from smokegate.audit.virtual_loop import in_virtual_loop
from smokegate.results import Outcome

from tests.gate.audit.shop import Audited, Health, Workflows
from tests.gate.audit.whole_engine import checks_by_engine, failed_demands

MUTANTS = Audited(Health, Workflows).mutants
SAMPLE = random.Random(4).sample(MUTANTS, 60)


def noticed_by_engine(audited: Audited, mutant: Mutant) -> dict[str, str]:
    """What each check found wanting first, where it found anything."""
    results = in_virtual_loop(
        lambda: checks_by_engine(audited.rehearsal, audited.settings, mutant, {})
    )
    noticed = {}
    for check, result in results.items():
        outcome, demands = failed_demands(result)
        if outcome is Outcome.BLOCKED:
            noticed[check] = "blocked"
        elif outcome is Outcome.UNKNOWN:
            noticed[check] = "unknown"
        elif demands or outcome is Outcome.FAILED:
            noticed[check] = demands[-1] if demands else "assert"
    return noticed


def noticed_by_trial(finding: Finding) -> dict[str, str]:
    noticed = {}
    for catch in finding.catches:
        if catch.check != catch.through:
            words = "blocked" if catch.through else "unknown" if catch.accidental else catch.by
            noticed[catch.check] = words
    return noticed


def test_unbroken_everything_passes() -> None:
    audited = Audited(Health, Workflows)
    results = in_virtual_loop(
        lambda: checks_by_engine(audited.rehearsal, audited.settings, None, {})
    )
    assert {result.outcome for result in results.values()} == {Outcome.PASSED}


@pytest.mark.parametrize("mutant", SAMPLE, ids=lambda mutant: mutant.words)
def test_a_trial_equals_a_run_of_the_whole_engine(mutant: Mutant) -> None:
    audited = Audited(Health, Workflows)
    (finding,) = audited.findings([mutant])
    assert noticed_by_trial(finding) == noticed_by_engine(audited, mutant)
