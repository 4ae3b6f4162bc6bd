"""JUnit XML, one document per suite, as Surefire's schema has it.

Properties of a single test case are an extension that many readers know; for the others the same
stands in `system-out`. Whatever the target sent, the document is well-formed XML 1.0.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from smokegate.reports.causes import Cause, cause_of
from smokegate.reports.details import details
from smokegate.reports.escaping import lines, no_command, one_line
from smokegate.reports.layout import labelled
from smokegate.reports.locations import locations_in_words
from smokegate.reports.meaning import baseline_in_words
from smokegate.reports.wording import what_to_do
from smokegate.results import Attempt, CheckResult, JudgedRun, MissingSuite, Outcome

_OUTPUT_CHARS = 20_000
_QUIET = frozenset({Outcome.PASSED, Outcome.SKIPPED})
# GitLab reads these as attachments, Jenkins plugins as properties; only ours may be that.
_TAG = "[["


def suites_of(run: JudgedRun) -> list[str]:
    """Name the suites that have a document: those with a check, and the missing ones.

    The probes have one only if one of them did not pass.
    """
    missing = [each.suite for each in run.missing_suites]
    probes = [each.suite for each in run.probes if each.outcome not in _QUIET]
    return list(dict.fromkeys([*(check.suite for check in run.checks), *missing, *probes]))


def junit(run: JudgedRun, suite: str) -> bytes:
    """Write the document of one suite as UTF-8."""
    checks = [check for check in run.everything if check.suite == suite]
    missing = [each for each in run.missing_suites if each.suite == suite]
    root = Element("testsuite", _counts(suite, checks, missing))
    _properties(root, _facts(run))
    names: set[str] = set()
    for check in checks:
        root.append(_testcase(check, run, _unique(check.name, names)))
    for each in missing:
        root.append(_missing(each, _unique("suite is missing", names)))
    indent(root, " ")
    text: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def _counts(suite: str, checks: list[CheckResult], missing: list[MissingSuite]) -> dict[str, str]:
    outcomes = [check.outcome for check in checks]
    return {
        "name": one_line(suite),
        "tests": str(len(checks) + len(missing)),
        "failures": str(sum(each.fails for each in outcomes)),
        "errors": str(outcomes.count(Outcome.UNKNOWN) + len(missing)),
        "skipped": str(outcomes.count(Outcome.SKIPPED)),
        "flakes": str(sum(check.flaky for check in checks)),
        "time": _time(sum(check.duration_s for check in checks)),
    }


def _facts(run: JudgedRun) -> list[tuple[str, str]]:
    return [
        ("run_id", run.run_id),
        ("target", run.target),
        ("version", run.version),
        ("environment", run.environment),
        ("started_at", run.started_at),
        ("finished_at", run.finished_at),
        ("tool", run.tool),
        ("verdict", run.verdict.action.value),
        ("verdict_rule", run.verdict.rule),
        ("verdict_reason", run.verdict.reason),
        ("verdict_partial", str(run.partial or run.verdict.partial).lower()),
        ("what_to_do", what_to_do(run)),
        *(("location", words) for words in locations_in_words(run)),
        *([("baseline", baseline_in_words(run))] if run.baseline else []),
    ]


def _testcase(check: CheckResult, run: JudgedRun, name: str) -> Element:
    case = Element(
        "testcase", classname=one_line(check.suite), name=name, time=_time(check.duration_s)
    )
    remarks = _remarks(check, run)
    if remarks:
        _properties(case, remarks)
    cause = cause_of(check, run)
    if check.outcome is Outcome.FAILED:
        kind = cause.trouble.kind if cause.trouble else "expectation"
        _ending(case, "failure", kind, check.reason, _evidence(check, cause))
        _earlier(case, "rerunFailure", check.attempts[:-1])
    elif check.outcome is Outcome.BLOCKED:
        _ending(case, "failure", "blocked", check.reason, _evidence(check, cause))
    elif check.outcome is Outcome.SKIPPED:
        SubElement(case, "skipped", message=one_line(check.reason))
    elif check.outcome is Outcome.UNKNOWN:
        _ending(case, "error", "unknown", check.reason, _evidence(check, cause))
    elif check.flaky:
        _earlier(case, "flakyFailure", check.attempts[:-1], _evidence(check, cause))
    output = _output(check, remarks)
    if output:
        SubElement(case, "system-out").text = output
    return case


def _missing(missing: MissingSuite, name: str) -> Element:
    case = Element("testcase", classname=one_line(missing.suite), name=name, time=_time(0))
    _ending(case, "error", "missing", missing.reason, lines(missing.reason))
    return case


def _ending(case: Element, tag: str, kind: str, reason: str, text: str) -> None:
    SubElement(case, tag, type=kind, message=one_line(reason)).text = text


def _earlier(case: Element, tag: str, attempts: list[Attempt], evidence: str = "") -> None:
    """Tell of the attempts before the last, which decided."""
    for attempt in attempts:
        earlier = SubElement(case, tag, type="expectation", message=one_line(attempt.reason))
        text = "\n".join(filter(None, [evidence or attempt.reason, attempt.traceback]))
        SubElement(earlier, "stackTrace").text = lines(text[:_OUTPUT_CHARS])


def _evidence(check: CheckResult, cause: Cause) -> str:
    rows = [no_command(one_line(check.reason, 2_000)), *labelled(details(cause, check))]
    if cause.attempt is not None and cause.attempt.traceback:
        rows += ["", lines(cause.attempt.traceback)]
    return "\n".join(rows)


def _remarks(check: CheckResult, run: JudgedRun) -> list[tuple[str, str]]:
    """What an outcome of JUnit's has no word for."""
    remarks = [("warning", warning) for warning in check.warnings]
    if check.outcome is Outcome.WARNED:
        remarks.insert(0, ("outcome", check.outcome.value))
    if check.flaky:
        remarks.append(("flaky", "true"))
    if check.blocked_by:
        remarks.append(("blocked_by", check.blocked_by))
    if check.deprecated:
        remarks.append(("deprecated", check.deprecated))
    if check.quarantined_until:
        remarks.append(("quarantined_until", check.quarantined_until))
        remarks.append(("quarantine_reason", check.quarantine_reason))
    if check.owner:
        remarks.append(("owner", check.owner))
    remarks += [("mitigated", m.reason) for m in run.verdict.mitigated if m.check == check.id]
    return remarks + [("remark", remark) for remark in check.remarks]


def _output(check: CheckResult, remarks: list[tuple[str, str]]) -> str:
    rows = [f"{_TAG}PROPERTY|{name}={_untagged(one_line(value))}]]" for name, value in remarks]
    output = "".join(attempt.output for attempt in check.attempts)
    if output:
        rows.append(_untagged(lines(output[:_OUTPUT_CHARS])))
    return "\n".join(rows)


def _untagged(text: str) -> str:
    return text.replace(_TAG, r"[\x5b")


def _properties(parent: Element, properties: list[tuple[str, str]]) -> None:
    element = SubElement(parent, "properties")
    for name, value in properties:
        SubElement(element, "property", name=name, value=one_line(value, 2_000))


def _unique(name: str, taken: set[str]) -> str:
    """Give a name that no case of the suite has yet: readers drop the second of two."""
    name = one_line(name)
    number = 2
    unique = name
    while unique in taken:
        unique = f"{name} ({number})"
        number += 1
    taken.add(unique)
    return unique


def _time(duration_s: float) -> str:
    return f"{max(duration_s, 0):.3f}"
