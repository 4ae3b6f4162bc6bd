"""Every page says what it is for, leads to the others, and holds nothing that acts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import msgspec
import pytest
from smokegate.history.remembering import opened
from smokegate.results import CheckResult, JudgedRun, Outcome
from smokegate.service.access.visitors import Rules

from tests.gate.audit.test_page import Parsed
from tests.gate.history.runs import BEGIN, failing, run, stamp
from tests.gate.reports import runs as reported
from tests.gate.reports.hostile import TRICKS, is_command, is_harmless, poisoned
from tests.gate.samples import attempt, exchange, result, unmet
from tests.gate.service.conftest import TOKEN, served
from tests.gate.service.some_weeks import FALSE_ALARM, LATER

CHECK = "health.test_database_connection"
PAGES = {
    "overview": "/",
    "a year": "/?days=365",
    "environment": "/environment?environment=production",
    "every environment": "/environment",
    "suite": "/environment?environment=production&suite=health&days=7",
    "nothing there": "/environment?environment=nowhere",
    "check": f"/check?id={CHECK}&environment=production",
    "check everywhere": f"/check?id={CHECK}&days=365",
    "alarm": f"/run?id={FALSE_ALARM}",
    "good run": f"/run?id={LATER}",
    "runs": "/runs",
    "no runs": "/runs?verdict=monitor",
}
MOST_BYTES = 100_000
NASTY = "\"'</script><img src=x onerror=alert(1)><!-- \x1b[31m\u202e\u2028 {{policy}} &amp;"
TAGS = re.compile(
    "html|head|meta|link|title|body|header|nav|main|section|article|footer|h[123]|p|a|b|i|code|"
    "span|div|dl|dt|dd|ul|ol|li|table|thead|tbody|tr|th|td|details|summary|figure|figcaption|"
    "form|label|input|button|svg|rect|line|path|text"
)
ATTRIBUTES = re.compile(
    "aria-[a-z]+|action|autocomplete|charset|class|content|d|data-name|height|href|id|lang|"
    "maxlength|method|name|preserveaspectratio|rel|role|scope|tabindex|title|type|value|viewbox|"
    "width|[xy][12]?"
)


def page(client: httpx2.Client, address: str) -> str:
    reply = client.get(address)
    assert reply.status_code == 200, address
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    return str(reply.text)


def active_parts(text: str) -> Iterator[str]:
    """Name each element that is more than text, a link, a form or a drawing in its place."""
    for tag, attributes in Parsed(text).elements:
        known = TAGS.fullmatch(tag) and all(map(ATTRIBUTES.fullmatch, attributes))
        leads = attributes.get("href") or attributes.get("action") or ""
        is_icon = tag == "link" and leads.startswith("data:image/svg+xml,")
        if not known or not (is_icon or re.fullmatch(r"[.#/a-z][!-~]*|", leads)):
            yield f"{tag} {attributes!r}"


def links(text: str) -> set[str]:
    return {unescape(each) for each in re.findall(r'<a [^>]*href="([^"]*)"', text)}


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_small_and_holds_nothing_that_acts(reader: httpx2.Client, name: str) -> None:
    text = page(reader, PAGES[name])
    assert len(text.encode()) < MOST_BYTES
    assert list(active_parts(text)) == []
    assert "style=" not in text
    assert not re.search(r"\bon\w+=", text)
    ids = [each["id"] for _, each in Parsed(text).elements if "id" in each]
    assert len(ids) == len(set(ids))
    headings = re.findall(r"<h([123])", text)
    assert headings[0] == "1"
    assert headings.count("1") == 1


@pytest.mark.parametrize("known", ["sqlite"], indirect=True)
def test_every_kind_of_link_leads_somewhere(reader: httpx2.Client) -> None:
    """Also behind a proxy that puts the pages under a path: no link begins with a slash."""
    kinds: dict[str, dict[str, None]] = {}
    for address in PAGES.values():
        for link in sorted(links(page(reader, address))):
            assert not link.startswith("/"), link
            kind = re.sub(r"=[^&#]*", "=", link)
            kinds.setdefault(re.sub(r"#.*\..*", "#check", kind), {})[urljoin(address, link)] = None
    for there in kinds.values():
        for link in list(there)[-2:]:
            reply, place = reader.get(link), link.partition("#")[2]
            assert reply.status_code == 200, link
            assert not place or f'id="{place}"' in reply.text, link
    assert {
        "environment?environment=&days=",
        "check?id=&environment=&days=",
        "run?id=#check",
    } <= set(kinds)


def test_the_overview_says_how_every_environment_stands(reader: httpx2.Client) -> None:
    text = page(reader, "/")
    assert '<h1 class="verdict proceed">All 3 open</h1>' in text
    production = text.partition(">production<")[2].partition("</tr>")[0]
    for words in ("110 min ago", ">2.14.0<", "95.7%", "of 47 runs", "2 to label", "2.91 s"):
        assert words in production, words


def test_a_closed_gate_is_the_first_thing_said(tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path / 'history.db'}")
    moment = stamp(BEGIN.replace(day=31))
    store.remember(failing(1, started_at=moment, finished_at=moment))
    with served(store) as client:
        assert '<h1 class="verdict rollback">1 of 1 closed</h1>' in page(client, "/")
        assert "%23c42b2b" in page(client, "/"), "the icon is red"
    store.close()


def test_runs_of_parts_of_the_checks_are_said_to_be_that(tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path / 'history.db'}")
    store.remember(failing(1, environment="staging", partial=True))
    with served(store) as client:
        assert "No run of all checks is remembered yet" in page(client, "/")
        store.remember(run(2))
        text = page(client, "/")
        assert "The gate is open" in text
        staging = text.partition(">staging<")[2].partition("</tr>")[0]
        assert "only runs of a part of the checks" in staging
        assert "run?id=" not in staging
    store.close()


def test_an_empty_history_says_so(client: httpx2.Client) -> None:
    assert "No runs yet" in page(client, "/")
    assert "No run fits" in page(client, "/runs")
    assert "No run of it is remembered" in page(client, "/environment")


def test_an_environment_shows_its_measures_with_counts_and_intervals(
    reader: httpx2.Client,
) -> None:
    text = page(reader, PAGES["environment"])
    head = text.partition('class="facts"')[2].partition("</dl>")[0]
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd><b>(.*?)</b>", head))
    assert list(facts) == [
        "Gate opened", "Checks passed", "A run takes, p50", "p95", "Deployment to alarm",
        "False alarms",
    ]  # fmt: skip
    assert facts["Gate opened"] == "95.7%"
    assert "(85.8% to 98.8%) of 47 runs" in head
    assert "2 of 4 deployments" in head
    assert "of no labelled alarm" in head
    assert "Perhaps false: the gate opened in run" in text


def test_a_heat_map_names_every_check_and_says_how_it_ended(reader: httpx2.Client) -> None:
    table = page(reader, PAGES["environment"]).partition('<table class="heat"')[2]
    table = table.partition("</table>")[0]
    head, *rows = table.split("<tr>")[1:]
    assert head.count('scope="col"') == 31
    assert 'aria-label="rollback, 2026-01-31 07:30, version 2.14.0"' in head
    assert len(rows) == 15
    first = next(row for row in rows if CHECK in row)
    assert first.count("<td") == 30
    failed = f'<a href="run?id={FALSE_ALARM}#{CHECK}" aria-label="failed">✗</a>'
    assert f'<td class="failed">{failed}</td>' in first
    assert rows.index(first) == 0, "those in trouble stand first"
    other = page(reader, PAGES["suite"]).partition('class="heat"')[2]
    assert "workflows.test" not in other.partition("</table>")[0]


def test_pictures_are_said_in_words_too(reader: httpx2.Client) -> None:
    text = page(reader, PAGES["environment"])
    labels = re.findall(r'<svg [^>]*role="img" aria-label="([^"]*)"', text)
    assert labels[0] == "Verdicts by day: 45 proceed, 1 investigate, 1 rollback."
    assert labels[1].startswith("Share of results that passed, of runs by day: ")
    assert labels[2].startswith("Execution time, p95 of runs by day: ")
    for picture in re.findall(r"<svg ([^>]*)>", text):
        assert 'aria-hidden="true"' in picture or 'role="img"' in picture
    numbers = text.partition("The same as a table")[2].partition("</table>")[0]
    assert "<th" in numbers
    assert "2026-01-31" in numbers


def test_a_check_shows_what_it_saw(reader: httpx2.Client) -> None:
    text = page(reader, PAGES["check"])
    failures = text.partition("Latest failures</h2>")[2]
    assert failures.count("<article") == 1
    for words in ("status is 200", "too many connections for role", "GET /api/database"):
        assert words in failures
    assert f'href="run?id={FALSE_ALARM}"' in failures
    strip = text.partition('class="strip-of-cells"')[2].partition("</ol>")[0]
    assert strip.count("<li") == 47


def test_a_run_shows_the_failing_expectation_before_all_else(reader: httpx2.Client) -> None:
    text = page(reader, PAGES["alarm"])
    assert '<h1 class="verdict rollback">ROLLBACK</h1>' in text
    seen = text.index("too many connections", text.index("<main"))
    assert seen < text.index("Was it right?") < text.index("What was requested when")
    assert "decided the verdict" in text
    beside = text.partition('class="beside"')[2].partition("</ul>")[0]
    assert re.findall(r"<li>([^:]+): <a [^>]*>([^<]+)", beside) == [
        ("Run before", "20260131-013000-000078"),
        ("Run after", LATER),
        ("Last good run", "20260131-013000-000078"),
    ]


def test_what_was_warned_of_is_no_failure(reader: httpx2.Client) -> None:
    assert "What did not pass" not in page(reader, PAGES["good run"])


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/run?id=nothing", 404, "There is no run nothing."),
        ("/run", 400, "run_id: expected"),
        ("/check?id=nothing", 404, "There is no check nothing."),
        ("/check", 400, "check_id: expected"),
        ("/environment?days=0", 400, "days: expected"),
        ("/runs?verdict=good", 400, "verdict: invalid"),
        ("/nowhere", 404, "Not Found"),
        ("/label", 405, "Method Not Allowed"),
    ],
)
def test_what_cannot_be_shown_is_a_page_that_says_why(
    client: httpx2.Client, address: str, status: int, said: str
) -> None:
    reply = client.get(address)
    assert (reply.status_code, said in reply.text) == (status, True)
    assert list(active_parts(reply.text)) == []


def test_what_a_mail_program_adds_to_a_link_does_no_harm(reader: httpx2.Client) -> None:
    assert page(reader, f"/run?id={LATER}&utm_source=mail") == page(reader, f"/run?id={LATER}")


def test_the_style_sheet_is_kept_by_browsers_until_it_changes(client: httpx2.Client) -> None:
    name = re.findall(r'rel="stylesheet" href="(style-[0-9a-f]{12}\.css)"', page(client, "/"))[0]
    sheet = client.get(f"/{name}")
    assert sheet.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert not re.search(r"url\(|@import|//", sheet.text)
    assert len(sheet.content) + MOST_BYTES < 2 * MOST_BYTES


HOSTILE = ("rollback", "proceed", "interrupted")


def poisoned_pages(folder: Path, words: str) -> list[str]:
    """Every page of runs that have some words wherever something from outside could stand."""
    store = opened(f"sqlite:///{folder / 'history.db'}")
    moment = stamp(BEGIN.replace(day=31))
    for number, name in enumerate(HOSTILE):
        made = poisoned(reported.RUNS[name](), words)
        here = {"run_id": f"run-{number}", "started_at": moment, "finished_at": moment}
        store.remember(msgspec.structs.replace(made, **here))
    environment = words[:200].encode(errors="backslashreplace").decode().replace("\0", r"\x00")
    check = "health.test_database_connection"
    params = [
        ("/", {}),
        ("/environment", {}),
        ("/environment", {"name": environment[:200]}),
        ("/check", {"id": check, "environment": environment[:200]}),
        ("/check", {"id": check}),
        *(("/run", {"id": f"run-{number}"}) for number in range(len(HOSTILE))),
        ("/runs", {"environment": environment[:200]}),
    ]
    with served(store, Rules(token=TOKEN, public_read=True)) as client:
        client.post(
            "/login", data={"token": TOKEN, "name": words[:200].encode(errors="replace").decode()}
        )
        replies = [client.get(path, params=query) for path, query in params]
    store.close()
    assert [each.status_code for each in replies] == [200] * len(params)
    return [each.text for each in replies]


def shape(text: str) -> list[tuple[str, str | None]]:
    """What a page is built of, without what it says; what is drawn depends on no words."""
    return [(tag, each.get("class")) for tag, each in Parsed(text).elements]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("words", [NASTY, *TRICKS[:20:3], TRICKS[18], TRICKS[20]])
def test_text_from_outside_stays_text(tmp_path: Path, words: str) -> None:
    (tmp_path / "calm").mkdir()
    calm = poisoned_pages(tmp_path / "calm", "word")
    for text, other in zip(poisoned_pages(tmp_path, words), calm, strict=True):
        assert shape(text) == shape(other)
        assert list(active_parts(text)) == []
        assert is_harmless(text)
        assert not any(is_command(line) for line in text.split("\n"))


def test_many_environments_do_not_make_a_large_page(tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path / 'history.db'}")
    for number in range(60):
        name = f"branch-{number}-{'x' * 190}"
        store.remember(run(number, environment=name, minutes=number))
    with served(store) as client:
        text = page(client, "/?days=366")
        assert "20 environments with older runs not shown" in text
        assert len(text.encode()) < MOST_BYTES
    store.close()


@pytest.mark.long
def test_the_worst_runs_do_not_make_a_large_page(tmp_path: Path) -> None:
    store = opened(f"sqlite:///{tmp_path / 'history.db'}")
    for number in range(30):
        store.remember(_crowded(number))
    with served(store) as client:
        for address in (
            "/environment?days=366",
            "/run?id=run-000001",
            "/check?id=health.test_0&days=366",
        ):
            assert len(page(client, address).encode()) < MOST_BYTES, address
    store.close()


def _crowded(number: int) -> JudgedRun:
    """A run of a hundred checks that all failed, each with many words and requests."""
    checks: list[CheckResult] = []
    for each in range(100):
        name = f"test_{each}" if each == 0 else f"test_{each}_{'of_a_long_name_' * 4}"
        asked = tuple(
            exchange(number=place, status=500, started_s=place / 10) for place in range(5)
        )
        missed = [unmet("&" * 200, exchange=0) for _ in range(3)]
        tried = attempt(*missed, exchanges=asked)
        checks.append(result(name, Outcome.FAILED, suite="health", attempts=[tried]))
    return run(number, *checks, minutes=60 * 24 * number)
