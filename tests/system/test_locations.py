"""Three places, each with a network of its own, and one verdict, whatever becomes of them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace
from smokegate.engine.plan import digest
from smokegate.errors import BrokerError
from smokegate.fault_proxy.certificates import Certificates
from smokegate.gate import TOOL
from smokegate.locations.answers import Expected, Unusable
from smokegate.locations.broker import EXPIRES, KEPT_S, Patience, broker_of
from smokegate.locations.messages import TASK, Ask, queue, run_id_at
from smokegate.locations.post import Post
from smokegate.results import JudgedRun
from smokegate.settings import Settings

from tests.lattice.servers import assert_in_the_end
from tests.system import place
from tests.system.command import ENDED_WITHIN_S
from tests.system.location_world import ACCOUNTS, SIGNING_KEY, World, serving
from tests.system.tls_broker import PASSWORD, Sent, TlsRedis

pytestmark = pytest.mark.skipif(
    not place.available(), reason="no right to make namespaces (unshare)"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("locations")
    with serving(folder, TlsRedis(certificates), ("eu", "us", "ap")) as world:
        yield world


@pytest.fixture(autouse=True)
def whole_again(world: World) -> Iterator[None]:
    """Demand that a test leaves one row in the history, if no other number, and no thing."""
    for each in world.places.values():
        if each.has_ended:
            each.start()
            each.ready()
    world.expected_rows = 1
    before = len(world.remembered())
    yield
    world.target.broken = False
    world.target.free.set()
    for each in world.places.values():
        for road in each.roads:
            road.repair()
    assert_in_the_end(lambda: not world.target.things)
    assert len(world.remembered()) - before == world.expected_rows


def hostile_messages() -> Iterator[Sent]:
    """What nobody should send: tasks that are none of ours, and wrong questions."""
    yield message_of([{}], task="os.system")
    yield message_of([{}], content_type="application/x-python-serialize")
    ask = {
        "run_id": "20260101-000000-abcdef",
        "target": "http://169.254.169.254/",
        "expect_version": "",
        "checks": [],
        "suites": {},
        "tool": TOOL,
        "run_timeout_s": 1.0,
        "wait_s": 0.0,
    }
    yield message_of([ask])
    yield message_of([{**ask, "url\n": "\x1b[2J"}])
    yield message_of([{**ask, "checks": "x" * 1_000_000}])
    yield message_of([1, 2, 3])


def message_of(
    arguments: list[object], *, task: str = TASK, content_type: str = "application/json"
) -> Sent:
    """A message as Celery sends them."""
    headers = {
        "lang": "py",
        "task": task,
        "id": str(uuid4()),
        "argsrepr": "",
        "kwargsrepr": "",
    }
    return Sent(headers, json.dumps([arguments, {}, {}]), content_type)


def ask_of(world: World, run_id: str) -> Ask:
    """What a run asks of a place."""
    return Ask(
        run_id=run_id,
        target=world.target.url,
        expect_version="",
        checks=["health.test_thing", "health.test_up"],
        suites={"health": digest([world.suites])},
        tool=TOOL,
        run_timeout_s=60.0,
        wait_s=3.0,
    )


def in_words(run: JudgedRun) -> dict[str, str]:
    """What each location came to: its verdict, or why there is none."""
    return {
        each.name: each.run.verdict.action.value if each.run else each.reason
        for each in run.locations
    }


def test_all_agree(world: World) -> None:
    made = len(world.target.made)
    done = world.run()
    assert done.code == 0, done.text
    run = world.last
    assert in_words(run) == dict.fromkeys(world.places, "proceed")
    names = dict(world.target.made[made:])
    assert len(names) == len(set(names.values())) == len(world.places)
    assert set(names) == {each.run.run_id for each in run.locations if each.run}
    assert world.remembered()[-1] == run.run_id
    assert "from      eu: proceed" in done.out
    explained = world.commands.smokegate("explain", max(world.commands.results.glob("run_*.json")))
    assert explained.code == 0, explained.text
    assert "The verdict follows from the evidence" in explained.out


def test_what_fails_from_everywhere_is_the_targets(world: World) -> None:
    world.target.broken = True
    done = world.run()
    assert done.code == 20, done.text
    assert world.last.checks[1].only_from == []


def test_one_cut_off_from_the_target_is_to_be_investigated(world: World) -> None:
    world.places["us"].to_target.close_off()
    done = world.run()
    assert done.code == 10, done.text
    assert "(from us, of 3 locations)" in world.last.verdict.reason
    assert {tuple(check.only_from) for check in world.last.checks} == {("us",)}


@pytest.mark.long
def test_one_cut_off_from_the_broker_is_unknown(world: World) -> None:
    world.places["us"].to_broker.close_off()
    done = world.run_within(location_wait_s=3)
    assert done.code == 30, done.text
    assert in_words(world.last)["us"] == "no worker took it within 3 s"
    assert "no answer from us: no worker took it within 3 s" in world.last.verdict.reason


@pytest.mark.long
def test_one_that_is_too_slow_is_unknown(world: World) -> None:
    world.places["ap"].to_target.slow_down(1.5)
    done = world.run_within(wait_s=0.5, run_timeout_s=2)
    assert done.code == 30, done.text
    assert in_words(world.last)["ap"] == "inconclusive"
    assert "(from ap, of 3 locations)" in world.last.verdict.reason


def test_a_worker_that_is_killed_in_mid_run(world: World) -> None:
    with world.holding() as process:
        verifying = world.places["us"].verifying()
        os.kill(verifying, signal.SIGKILL)
        world.target.free.set()
        code = process.wait()
    assert code == 30
    assert in_words(world.last) == {
        **dict.fromkeys(world.places, "proceed"),
        "us": "the process that verified was killed",
    }


@pytest.mark.long
def test_a_run_beyond_its_hard_time_limit_is_killed(world: World) -> None:
    world.expected_rows = 0
    ask = ask_of(world, "20260101-000000-abcdef")
    expected = Expected(
        run_id=run_id_at("ap", ask.run_id),
        target=ask.target,
        suites=ask.suites,
        checks=frozenset(ask.checks),
        signing_key="",
    )
    post = Post(Settings(broker=world.broker.url, broker_ca_file=world.broker.ca_file))
    world.target.free.clear()
    post.send(expected.run_id, "ap", ask, limit_s=3)
    assert world.target.waiting.acquire(timeout=ENDED_WITHIN_S)
    assert_in_the_end(lambda: "Hard time limit" in world.places["ap"].log)
    assert_in_the_end(lambda: b"FAILURE" in (post.result(expected.run_id) or b""))
    with pytest.raises(Unusable, match="it was killed at its time limit"):
        expected.run_in(post.result(expected.run_id) or b"")


@pytest.mark.long
def test_a_broker_that_is_restarted_in_mid_run(world: World) -> None:
    with world.holding() as process:
        world.broker.stop()
        world.broker.start()
        world.target.free.set()
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert in_words(world.last) == dict.fromkeys(world.places, "proceed")


def test_a_driver_that_dies_is_cleaned_up_after(world: World) -> None:
    world.expected_rows = 0
    with world.holding() as process:
        process.kill()
        process.wait()
        world.target.free.set()


@pytest.mark.long
def test_an_interrupted_driver_has_no_verdict(world: World) -> None:
    with world.holding() as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        world.target.free.set()
    assert process.returncode == 30, out + err
    assert world.last.interrupted == "SIGINT"


@pytest.mark.long
def test_a_whole_worker_that_is_killed_sweeps_when_it_is_back_and_takes_a_task_once(
    world: World,
) -> None:
    eu = world.places["eu"]
    with world.holding() as process:
        process.kill()
        eu.kill()
        world.target.free.set()
    assert_in_the_end(lambda: len(world.target.things) == 1)
    made = len(world.target.made)
    with world.start() as process:
        assert_in_the_end(lambda: world.broker.waiting("eu") == 1)
        sent = world.broker.deliver_twice("eu")
        assert sent.headers["expires"]
        assert sent.headers["timelimit"][0] > 0
        secrets = (PASSWORD, SIGNING_KEY, ACCOUNTS)
        assert [secret for secret in secrets if secret in str(sent)] == []
        assert world.target.url in sent.body
        eu.start()
        out, err = process.communicate()
        eu.ready()
        assert_in_the_end(lambda: world.broker.waiting("eu") == 0)
    assert process.returncode == 0, out + err
    assert len(world.target.made) == made + len(world.places)
    assert_in_the_end(lambda: "declined" in eu.log)
    assert eu.log.count("declined") == 1


@pytest.mark.long
def test_what_is_no_question_is_refused_in_one_line(world: World) -> None:
    us = world.places["us"]
    before = len(us.log)
    refused = world.broker.publish_no_messages("us") + 4
    for sent in hostile_messages():
        world.broker.publish("us", sent)
    assert_in_the_end(lambda: world.broker.waiting("us") == 0)
    assert_in_the_end(lambda: us.log.count("refused: ", before) == refused)
    done = world.run()
    assert done.code == 0, done.text
    said = us.log[before:].splitlines()
    assert len(max(said, key=len)) < 500
    assert [line for line in said if "Traceback" in line or 'File "' in line] == []
    assert PASSWORD not in "".join(each.log for each in world.places.values())


def test_a_broker_that_is_of_no_use_is_told_from_one_that_is_away(
    world: World, tmp_path: Path
) -> None:
    world.expected_rows = 0
    here = Settings(broker=world.broker.url, broker_ca_file=world.broker.ca_file)
    other = replace(here, broker_ca_file=str(Certificates(tmp_path).ca_file))
    with pytest.raises(BrokerError, match="CERTIFICATE_VERIFY_FAILED") as untrusted:
        Post(other).is_taken("20260101-000000-abcdef")
    patience = Patience(silent_s=2.0, retries=0)
    with pytest.raises(BrokerError, match="CERTIFICATE_VERIFY_FAILED"):
        broker_of(other, patience).meet()
    unnamed = replace(here, broker=here.broker.replace("127.0.0.1", "0.0.0.0"))
    with pytest.raises(BrokerError, match=r"CERTIFICATE_VERIFY_FAILED.*mismatch"):
        broker_of(unnamed, patience).meet()
    wrong = replace(here, broker=here.broker.replace(PASSWORD, "wrong-password"))
    with pytest.raises(BrokerError, match=r"(?i)password|login was refused") as refused:
        broker_of(wrong, patience).meet()
    assert PASSWORD not in str(untrusted.value)
    assert "wrong-password" not in str(refused.value)
    port = str(world.broker.port)
    broker_of(replace(here, broker=here.broker.replace(port, "1")), patience).meet()


def test_what_nobody_serves_expires(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.expected_rows = 0
    # Looking whether a queue is there is using it, and is done more seldom than that.
    monkeypatch.setitem(EXPIRES, "x-expires", EXPIRES["x-expires"] // (1_000 * KEPT_S))
    run_id = "20260101-000000-abcdef"
    post = Post(Settings(broker=world.broker.url, broker_ca_file=world.broker.ca_file))
    post.send(run_id, "nowhere", ask_of(world, run_id), limit_s=3)
    names = [queue("nowhere"), f"smokegate.claim.{run_id}", f"smokegate.result.{run_id}"]
    assert_in_the_end(lambda: not any(map(world.broker.has, names)))


@pytest.mark.long
def test_a_worker_that_is_told_to_end_comes_to_the_end_of_its_run(world: World) -> None:
    ap = world.places["ap"]
    with world.holding() as process:
        os.kill(ap.process.pid, signal.SIGTERM)
        world.target.free.set()
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert ap.process.wait() == 0
