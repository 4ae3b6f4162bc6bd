"""False alarms: what healthy deployments show is acted out, counted and bounded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from smokegate.audit.benign import act_out, bound
from smokegate.audit.conditions import CONDITIONS, Condition
from smokegate.audit.live_results import BenignReport
from smokegate.errors import AuditError, UsageError
from smokegate.fault_proxy import Fault, Latency

from tests.gate.suite_folder import SuiteFolder, suite_folder
from tests.system.command import SUITES
from tests.system.lattice_process import LatticeProcess
from tests.system.sharing import made_once, shared_folder
from tests.system.subjects import Told, shipped, small
from tests.system.tiny_upstream import TinyUpstream

BY_ID = {row.id: row for row in CONDITIONS}
ACTED_OUT = ("stall", "reset", "extra-fields", "redirect")
EXACTLY = """
    class TestProductionHealth(HealthSuite):
        async def test_json(self, client: Client) -> None:
            \"\"\"The reply has two fields, no more and no less.\"\"\"
            reply = await client.get("/json")
            assert len(reply.read(dict)) == 2
"""


@pytest.fixture
def suites(tmp_path: Path) -> Iterator[SuiteFolder]:
    """A folder to write suites into."""
    with suite_folder(tmp_path / "suites") as folder:
        yield folder


@pytest.fixture(scope="module")
def report(lattice: LatticeProcess, tmp_path_factory: pytest.TempPathFactory) -> BenignReport:
    """A few conditions, acted out once each in front of Lattice."""
    folder = shared_folder(tmp_path_factory, "audit-benign")

    def run() -> bytes:
        subject = shipped(lattice, folder, sample_requests=40)
        with suite_folder(SUITES):
            return msgspec.json.encode(act_out(subject, 1, [BY_ID[each] for each in ACTED_OUT]))

    return msgspec.json.decode(made_once(folder, run), type=BenignReport)


def test_the_shipped_suites_do_not_cry_wolf(report: BenignReport) -> None:
    assert [each.condition for each in report.results] == list(ACTED_OUT)
    for result in report.results:
        assert (result.runs, result.rollbacks, result.alarms) == (1, 0, []), result.title
    assert report.left_out == {}


def test_the_total_is_that_of_all_conditions(report: BenignReport) -> None:
    total = report.total
    assert (total.runs, total.rollbacks, total.bound) == (4, 0, 0.75)
    assert sum(total.verdicts.values()) == 4


def test_a_brittle_suite_is_exposed(suites: SuiteFolder, tiny_upstream: TinyUpstream) -> None:
    rows = [BY_ID["extra-fields"], BY_ID["chunked"]]
    done = act_out(small(suites, tiny_upstream.url, EXACTLY), 2, rows)
    brittle, sound = done.results
    assert (brittle.verdicts, brittle.rollbacks, brittle.bound) == ({"rollback": 2}, 2, 1.0)
    assert "health.test_json" in brittle.alarms[0]
    assert (sound.verdicts, sound.alarms) == ({"proceed": 2}, [])
    assert (done.total.runs, done.total.rollbacks) == (4, 2)


def test_what_the_target_does_not_show_is_left_out(
    suites: SuiteFolder, tiny_upstream: TinyUpstream
) -> None:
    subject = small(suites, tiny_upstream.url, health_path="/text")
    done = act_out(subject, 1, [BY_ID["extra-fields"], BY_ID["gzip"]])
    assert done.left_out == {"extra-fields": "no reply is JSON"}
    assert [each.condition for each in done.results] == ["gzip"]


def late(path: str, until: int) -> Condition:
    """One that strikes a path, which nobody asks for before so many tries."""
    tries: list[int] = []

    def draw(_: object) -> list[Fault]:
        tries.append(1)
        return [Fault(Latency(0.0), path="^/nowhere" if len(tries) < until else path)]

    return Condition("late", "it strikes late", draw)


def test_a_run_in_which_it_did_not_come_about_does_not_count(
    suites: SuiteFolder, tiny_upstream: TinyUpstream
) -> None:
    subject = small(suites, tiny_upstream.url)
    done = act_out(subject, 1, [late("^/text", until=3)])
    assert done.results[0].runs == 1
    assert isinstance(subject.tell, Told)
    assert subject.tell.count("it strikes late: it was never delivered; once more") == 2
    with pytest.raises(AuditError, match="it strikes late: it was never delivered, in 3 runs"):
        act_out(subject, 1, [late("^/text", until=4)])


def test_a_target_that_alarms_by_itself_is_refused(
    suites: SuiteFolder, tiny_upstream: TinyUpstream
) -> None:
    code = EXACTLY.replace("== 2", "== 3")
    subject = small(suites, tiny_upstream.url, code)
    with pytest.raises(UsageError, match="without any fault the verdict is"):
        act_out(subject, 1)


@pytest.mark.parametrize(
    ("rollbacks", "runs", "rate"),
    [
        (0, 0, 1.0),
        (0, 1, 1.0),
        (0, 10, 0.3),
        (0, 300, 0.01),
        # One-sided: the rate at which so few have a probability of 5%.
        (1, 10, 0.3942),
        (2, 300, 0.0208),
        (10, 10, 1.0),
    ],
)
def test_the_bound_is_that_of_95_percent(rollbacks: int, runs: int, rate: float) -> None:
    assert bound(rollbacks, runs) == pytest.approx(rate, abs=5e-5)


def test_every_condition_has_a_name_of_its_own() -> None:
    assert len(BY_ID) == len({row.title for row in CONDITIONS}) == len(CONDITIONS) == 13
