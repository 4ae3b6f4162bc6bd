from __future__ import annotations

import re
from collections import Counter
from io import BytesIO
from xml.etree import ElementTree as ET

import junitparser
import pytest
from hypothesis import given
from smokegate.reports.junit import junit, suites_of
from smokegate.results import JudgedRun, Outcome

from tests.gate.golden import Golden
from tests.gate.reports import parts, runs
from tests.gate.reports.hostile import is_command, is_harmless, poisoned, texts

# Surefire's schema 3.0.2: attributes, and the order of a test case's children. The properties of
# a test case are an extension, which stands first.
SUITE_ATTRIBUTES = {"name", "time", "tests", "errors", "skipped", "failures", "flakes"}
CASE_ATTRIBUTES = {"name", "classname", "time"}
ORDER = [
    "properties", "failure", "rerunFailure", "skipped", "error", "rerunError", "flakyFailure",
    "flakyError", "system-out", "system-err",
]  # fmt: skip
ATTRIBUTES_OF_TAGS = {
    "failures": "failure",
    "errors": "error",
    "skipped": "skipped",
    "flakes": "flakyFailure",
}
OWN_PROPERTIES = ("outcome", "warning", "flaky", "owner", "deprecated")
TIME = re.compile(r"[0-9]+\.[0-9]{3}")


def parsed(run: JudgedRun, suite: str) -> ET.Element:
    return ET.fromstring(junit(run, suite))


def case(run: JudgedRun, check_id: str) -> ET.Element:
    suite, _, name = check_id.partition(".")
    found = parsed(run, suite).find(f"testcase[@name='{name}']")
    assert found is not None
    return found


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_documents_read_as_they_did(name: str, golden: Golden) -> None:
    run = runs.RUNS[name]()
    for suite in suites_of(run):
        golden(f"{name}/{suite}.xml", junit(run, suite).decode())


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_documents_follow_the_schema(name: str) -> None:
    run = runs.RUNS[name]()
    for suite in suites_of(run):
        root = parsed(run, suite)
        assert (root.tag, set(root.keys())) == ("testsuite", SUITE_ATTRIBUTES)
        assert [child.tag for child in root] == ["properties"] + ["testcase"] * (len(root) - 1)
        for testcase in root.iter("testcase"):
            assert set(testcase.keys()) == CASE_ATTRIBUTES
            assert TIME.fullmatch(testcase.attrib["time"])
            places = [ORDER.index(child.tag) for child in testcase]
            assert places == sorted(places)
            for child in testcase:
                if child.tag in ("failure", "error", "flakyFailure", "rerunFailure"):
                    assert child.get("type")
                    assert child.get("message")
                if child.tag in ("flakyFailure", "rerunFailure"):
                    assert [part.tag for part in child] == ["stackTrace"]


@pytest.mark.parametrize("name", runs.RUNS)
def test_the_counts_are_those_of_the_cases(name: str) -> None:
    run = runs.RUNS[name]()
    for suite in suites_of(run):
        root = parsed(run, suite)
        tags = Counter(child.tag for each in root.iter("testcase") for child in each)
        assert root.get("tests") == str(len(root.findall("testcase")))
        for attribute, tag in ATTRIBUTES_OF_TAGS.items():
            assert root.get(attribute) == str(tags[tag])


@pytest.mark.parametrize(
    ("run", "check_id", "tag", "kind"),
    [
        (runs.rollback, "health.test_database_connection", "failure", "expectation"),
        (runs.rollback, "workflows.test_subscription_flow", "failure", "blocked"),
        (runs.down, "health.test_api_server_running", "failure", "refused"),
        (runs.inconclusive, "health.test_api_server_running", "error", "unknown"),
        (runs.proceed, "health.test_redis_connection", "skipped", None),
    ],
)
def test_each_outcome_has_its_element(run: object, check_id: str, tag: str, kind: str) -> None:
    assert callable(run)
    element = case(run(), check_id).find(tag)
    assert element is not None
    assert element.get("type") == kind


def test_a_failure_holds_the_evidence_and_how_to_go_on() -> None:
    text = case(runs.rollback(), "health.test_database_connection").findtext("failure") or ""
    for part in ("503, 15 ms", "expected  status is 200", "likely", "next", "repeat    curl "):
        assert part in text


def test_a_blocked_case_tells_of_its_resource() -> None:
    text = case(runs.rollback(), "workflows.test_subscription_flow").findtext("failure") or ""
    assert text.startswith("blocked by account: POST /api/auth/register")
    assert "saw       500 'could not connect to server'" in text


def test_a_flaky_case_passed_and_says_what_happened_first() -> None:
    flaky = case(runs.proceed(), "workflows.test_bulk_operations_flow")
    assert [child.tag for child in flaky] == ["properties", "flakyFailure", "system-out"]
    properties = {each.get("name"): each.get("value") for each in flaky.iter("property")}
    assert properties["flaky"] == "true"
    assert "connection reset" in (flaky.findtext("flakyFailure/stackTrace") or "")
    assert "[[PROPERTY|flaky=true]]" in (flaky.findtext("system-out") or "")
    assert "5 made" in (flaky.findtext("system-out") or "")


def test_a_warned_case_passed_and_says_what_was_wished_for() -> None:
    warned = case(runs.proceed(), "health.test_security_headers")
    assert [child.tag for child in warned] == ["properties", "system-out"]
    assert "Permissions-Policy" in (warned.findtext("system-out") or "")


def test_a_case_that_failed_twice_tells_of_both() -> None:
    twice = case(runs.rollback(), "workflows.test_lattice_pathfinding_flow")
    assert [child.tag for child in twice] == ["failure", "rerunFailure"]
    assert "line 88" in (twice.findtext("failure") or "")


def test_a_missing_suite_is_an_error() -> None:
    run = runs.inconclusive()
    assert suites_of(run) == ["health", "workflows"]
    root = parsed(run, "workflows")
    assert root.get("errors") == root.get("tests") == "1"
    error = root.find("testcase/error")
    assert error is not None
    assert error.get("type") == "missing"


def test_the_verdict_and_its_run_are_properties_of_the_suite() -> None:
    root = parsed(runs.interrupted(), "workflows")
    properties = {
        each.attrib["name"]: each.attrib["value"] for each in root.iterfind("properties/property")
    }
    assert properties["verdict"] == "inconclusive"
    assert properties["verdict_partial"] == "true"
    assert properties["run_id"] == "20250131-235958-c0ffee"
    assert {"target", "version", "environment", "verdict_reason"} <= set(properties)


def test_names_are_unique_because_readers_drop_the_second() -> None:
    twin = parts.check(parts.HEALTH[0])
    root = parsed(parts.judged(only=[twin.id, twin.id, twin.id]), "health")
    names = [each.get("name") for each in root.iter("testcase")]
    assert names == [twin.name, f"{twin.name} (2)", f"{twin.name} (3)"]


def test_the_target_cannot_name_attachments_or_properties() -> None:
    run = poisoned(runs.proceed(), "[[ATTACHMENT|/etc/passwd]] [[PROPERTY|flaky=no]]")
    for suite in suites_of(run):
        for output in parsed(run, suite).iter("system-out"):
            names = re.findall(r"\[\[(\w+\|\w*)", output.text or "")
            assert set(names) <= {f"PROPERTY|{name}" for name in OWN_PROPERTIES}


@given(texts)
def test_any_reader_reads_it_whatever_the_target_sent(text: str) -> None:
    for name in ("rollback", "proceed", "inconclusive"):
        run = poisoned(runs.RUNS[name](), text)
        for suite in suites_of(run):
            document = junit(run, suite)
            root = ET.fromstring(document)
            read = junitparser.JUnitXml.fromstring(document)
            cases = [each for part in read for each in part]
            assert len(cases) == len(root.findall("testcase"))
            outcomes = Counter(check.outcome for check in run.checks if check.suite == suite)
            assert len(root.findall(".//skipped")) == outcomes[Outcome.SKIPPED]
            assert ET.parse(BytesIO(document)).getroot().tag == "testsuite"
            shown = "\n".join(part.text or "" for part in root.iter())
            assert is_harmless(shown)
            assert not any(map(is_command, shown.split("\n")))
