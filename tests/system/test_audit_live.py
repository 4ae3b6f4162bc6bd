"""Live faults: each is seen by what should see it, and what was not acted out is no result."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from smokegate.audit.live import FAULTS, LiveFault, act_out
from smokegate.audit.live_results import LiveReport
from smokegate.errors import AuditError, UsageError
from smokegate.fault_proxy import Fault, SetStatus

from tests.gate.suite_folder import SuiteFolder, suite_folder
from tests.system.command import SUITES
from tests.system.lattice_process import LatticeProcess
from tests.system.sharing import made_once, shared_folder
from tests.system.subjects import shipped, small
from tests.system.tiny_upstream import TinyUpstream

BY_ID = {row.id: row for row in FAULTS}
ACTED_OUT = (
    "tls-expired",
    "tls-old-versions",
    "decompression-bomb",
    "reset-mid-body",
    "intermittent-500",
    "version-skew",
)


@pytest.fixture
def suites(tmp_path: Path) -> Iterator[SuiteFolder]:
    """A folder to write suites into."""
    with suite_folder(tmp_path / "suites") as folder:
        yield folder


@pytest.fixture(scope="module")
def report(lattice: LatticeProcess, tmp_path_factory: pytest.TempPathFactory) -> LiveReport:
    """Faults of every kind, acted out in front of Lattice."""
    folder = shared_folder(tmp_path_factory, "audit-live")

    def run() -> bytes:
        before = accounts(lattice)
        with suite_folder(SUITES):
            done = act_out(shipped(lattice, folder), [BY_ID[each] for each in ACTED_OUT])
        assert accounts(lattice) == before
        assert list(folder.rglob("*.journal")) == []
        return msgspec.json.encode(done)

    return msgspec.json.decode(made_once(folder, run), type=LiveReport)


def accounts(lattice: LatticeProcess) -> int:
    """How many accounts there are at Lattice."""
    with closing(sqlite3.connect(lattice.log_file.parent / "lattice.db")) as database:
        return int(database.execute("SELECT count(*) FROM users").fetchone()[0])


@pytest.mark.long
@pytest.mark.parametrize(
    ("fault", "verdict", "caught_by"),
    [
        ("tls-expired", "investigate", "health.test_ssl_certificate"),
        ("tls-old-versions", "investigate", "health.test_ssl_certificate"),
        ("decompression-bomb", "rollback", "workflows.test_usage_tracking_flow"),
        ("reset-mid-body", "rollback", "workflows.test_user_registration_flow"),
        ("intermittent-500", "rollback", "run.sampler"),
        ("version-skew", "investigate", "run.settling"),
    ],
)
def test_a_fault_is_seen_by_what_should_see_it(
    report: LiveReport, fault: str, verdict: str, caught_by: str
) -> None:
    (result,) = (each for each in report.results if each.fault == fault)
    assert (result.verdict, result.title) == (verdict, BY_ID[fault].title)
    assert caught_by in result.caught_by
    assert result.delivered > 0
    assert result.seconds > 0


@pytest.mark.long
def test_undisturbed_all_is_well(report: LiveReport) -> None:
    assert (report.undisturbed.verdict, report.undisturbed.caught_by) == ("proceed", [])
    assert report.left_out == {}


@pytest.mark.long
def test_the_version_that_was_served_is_expected(report: LiveReport) -> None:
    (result,) = (each for each in report.results if each.fault == "version-skew")
    assert "all connections serve version 0.1.0; saw 0.1.0 in 5 of 10" in result.reason


@pytest.mark.long
def test_old_tls_is_seen_by_one_check_alone(report: LiveReport) -> None:
    (result,) = (each for each in report.results if each.fault == "tls-old-versions")
    assert result.caught_by == ["health.test_ssl_certificate"]


@pytest.mark.long
def test_what_passes_before_the_checks_hides_no_fault_from_them(report: LiveReport) -> None:
    for result in report.results:
        if result.fault in ("decompression-bomb", "reset-mid-body"):
            assert not any(name.startswith("run.") for name in result.caught_by)


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(BY_ID) == len({row.title for row in FAULTS}) == len(FAULTS) == 12


def test_what_does_not_apply_is_left_out_and_said(
    suites: SuiteFolder, tiny_upstream: TinyUpstream
) -> None:
    rows = [BY_ID[each] for each in ("tls-expired", "tls-old-versions", "slow-replica")]
    code = """
        class TestProductionHealth(HealthSuite):
            async def test_health(self, client: Client) -> None:
                \"\"\"It is there.\"\"\"
                expect(await client.get("/json")).status(200)
    """
    subject = small(suites, tiny_upstream.url, code, version_field="release")
    done = act_out(
        subject,
        [*rows, *(BY_ID[each] for each in ("slow-drip", "version-skew", "intermittent-500"))],
    )
    assert done.left_out == {
        "tls-expired": "the target does not speak TLS",
        "tls-old-versions": "the target does not speak TLS",
        "slow-drip": "the suites read no body but that of /json",
        "version-skew": "the target tells no release",
        "intermittent-500": "the suites send too few requests: 4",
    }
    assert [each.fault for each in done.results] == ["slow-replica"]


def test_what_was_never_delivered_is_no_result(
    suites: SuiteFolder, tiny_upstream: TinyUpstream
) -> None:
    elsewhere = LiveFault(
        "elsewhere",
        "what nobody asks for is broken",
        lambda _: Fault(SetStatus(500), path="^/nowhere"),
        lambda _: "",
    )
    subject = small(suites, tiny_upstream.url)
    with pytest.raises(AuditError, match="nobody asks for is broken: it was never delivered"):
        act_out(subject, [elsewhere])


def test_what_fails_without_a_fault_is_not_caught(
    suites: SuiteFolder, tiny_upstream: TinyUpstream
) -> None:
    code = """
        class TestProductionHealth(HealthSuite):
            async def test_always_fails(self, client: Client) -> None:
                \"\"\"It is never as it should be.\"\"\"
                expect(await client.get("/json"), or_else=MONITOR).status(201)

            async def test_text(self, client: Client) -> None:
                \"\"\"The text is there.\"\"\"
                expect(await client.get("/text")).status(200)
    """
    done = act_out(small(suites, tiny_upstream.url, code), [BY_ID["reset-mid-body"]])
    assert done.undisturbed.caught_by == ["health.test_always_fails"]
    assert [each.caught_by for each in done.results] == [["health.test_text"]]


def test_a_target_that_does_not_pass_undisturbed_is_refused(
    suites: SuiteFolder, tiny_upstream: TinyUpstream, free_url: str
) -> None:
    code = """
        class TestProductionHealth(HealthSuite):
            async def test_text(self, client: Client) -> None:
                \"\"\"The text is not there.\"\"\"
                expect(await client.get("/nowhere")).status(200)
    """
    with pytest.raises(UsageError, match="without any fault the verdict is rollback already: hea"):
        act_out(small(suites, tiny_upstream.url, code))
    with pytest.raises(UsageError, match="the target does not answer: GET /json"):
        act_out(small(suites, free_url, wait_s=0.1))


def test_a_target_may_lie_below_a_path(suites: SuiteFolder, tiny_upstream: TinyUpstream) -> None:
    with pytest.raises(UsageError, match="without any fault"):
        act_out(small(suites, f"{tiny_upstream.url}/below", wait_s=0.1))
    assert ("GET", "/below/text") in tiny_upstream.seen


def test_an_interruption_ends_it_all(suites: SuiteFolder, tiny_upstream: TinyUpstream) -> None:
    code = """
        import asyncio, os, signal

        class TestProductionHealth(HealthSuite):
            async def test_text(self, client: Client) -> None:
                \"\"\"Somebody presses Ctrl-C.\"\"\"
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(60)
    """
    with pytest.raises(KeyboardInterrupt):
        act_out(small(suites, tiny_upstream.url, code))


def test_nothing_is_asked_of_production(suites: SuiteFolder, tiny_upstream: TinyUpstream) -> None:
    subject = small(suites, tiny_upstream.url)
    theirs = msgspec.structs.replace(subject.settings, url="http://api.example.com")
    with pytest.raises(UsageError, match="--i-own-this-target"):
        act_out(replace(subject, settings=theirs))
    assert tiny_upstream.seen == []


def test_a_proxy_is_not_gone_round_in_silence(
    suites: SuiteFolder, tiny_upstream: TinyUpstream
) -> None:
    with pytest.raises(UsageError, match="leave out the setting proxy"):
        act_out(small(suites, tiny_upstream.url, proxy="http://127.0.0.1:3128"))
    assert tiny_upstream.seen == []
