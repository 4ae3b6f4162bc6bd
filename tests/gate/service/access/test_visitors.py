"""Who may read and who may write, asked over a real connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest
from smokegate.history.queries import run as kept_run
from smokegate.history.remembering import opened
from smokegate.history.store import Store
from smokegate.service.access import attempts
from smokegate.service.access.visitors import COOKIE, Rules
from smokegate.service.arguments import LOOPBACK

from tests.gate.history.runs import failing
from tests.gate.service.conftest import TOKEN, served

ALARM = "run-000001"
PAGES = [
    "/",
    "/environment?environment=production",
    "/check?id=health.up",
    f"/run?id={ALARM}",
    "/runs",
]
DATA = ["/api/overview", "/api/runs", f"/api/runs/{ALARM}", "/api/checks", "/api/trends"]
OPEN = ["/metrics", "/health", "/api/openapi.json"]
BEARER = {"authorization": f"Bearer {TOKEN}"}
USER = {"x-user": "grace"}


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Store]:
    """A history with an alarm; what databases differ in is tested elsewhere."""
    made = opened(f"sqlite:///{tmp_path / 'history.db'}")
    made.remember(failing(1))
    yield made
    made.close()


@contextmanager
def asking(there: Store, **rules: object) -> Iterator[httpx2.Client]:
    with served(there, Rules(**rules)) as client:  # type: ignore[arg-type]
        yield client


def log_in(
    client: httpx2.Client, token: str = TOKEN, name: str = "Ada", to: str = ""
) -> httpx2.Response:
    query = f"?{urlencode({'next': to})}" if to else ""
    return client.post(f"/login{query}", data={"token": token, "name": name})


def form_token(client: httpx2.Client, page: str = f"/run?id={ALARM}") -> str:
    found = re.search(r'name="form" value="([^"]+)"', client.get(page).text)
    assert found
    return found[1]


def label(client: httpx2.Client, form: str, **headers: str) -> int:
    data = {"label": "false-alarm", "note": "a clock", "form": form}
    return client.post(f"/label?run={ALARM}", data=data, headers=headers).status_code


def labels(there: Store) -> tuple[str, str, str]:
    with there.reading() as connection:
        found = kept_run(connection, ALARM)
    assert found is not None
    return found.run.label, found.note, found.author


def test_without_a_token_everybody_reads_and_nobody_writes(there: Store) -> None:
    with asking(there) as client:
        for path in [*PAGES, *DATA, *OPEN]:
            assert client.get(path).status_code == 200, path
        assert client.get("/login").status_code == 404
        assert log_in(client).status_code == 404
        assert label(client, "") == 403
        for headers in {}, BEARER:
            put = client.put(f"/api/runs/{ALARM}/label", json={"label": "missed"}, headers=headers)
            assert put.status_code == 401
        assert "started without SMOKEGATE_TOKEN" in client.get(PAGES[3]).text
    assert labels(there) == ("", "", "")


def test_with_a_token_reading_asks_for_a_login(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        for path in PAGES:
            asked = client.get(path)
            assert asked.status_code == 303
            assert asked.headers["location"].startswith("login?next=")
            assert "production" not in asked.text
        for path in DATA:
            refused = client.get(path)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
            assert client.get(path, headers=BEARER).status_code == 200
        for path in OPEN:
            assert client.get(path).status_code == 200


def test_reading_can_be_public_all_the_same(there: Store) -> None:
    with asking(there, token=TOKEN, public_read=True) as client:
        for path in [*PAGES, *DATA]:
            assert client.get(path).status_code == 200
        assert label(client, "") == 403
        assert client.delete(f"/api/runs/{ALARM}/label").status_code == 401
        assert f"login?next=run%3Fid%3D{ALARM}" in client.get(PAGES[3]).text


def test_a_login_leads_to_where_one_wanted_to_go(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        wanted = client.get(PAGES[3]).headers["location"]
        assert client.get(f"/{wanted}").status_code == 200
        reply = client.post(f"/{wanted}", data={"token": TOKEN, "name": "Ada"})
        assert (reply.status_code, reply.headers["location"]) == (303, f"run?id={ALARM}")
        assert client.get(f"/{reply.headers['location']}").status_code == 200
        assert ">Ada<" in client.get("/").text


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "run/../x",
        "run?\r\nSet-Cookie: a=b",
        "data:text/html,x",
        "environments",
        "./../x",
    ],
)
def test_a_login_leads_nowhere_else(there: Store, to: str) -> None:
    with asking(there, token=TOKEN) as client:
        assert log_in(client, to=to).headers["location"] == "./"


def test_a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        cookie = log_in(client).headers["set-cookie"].lower()
        assert cookie.startswith(f"{COOKIE}=")
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "max-age=43200" in cookie
        assert "path" not in cookie, "it is for where the pages lie, behind a proxy too"
        assert "secure" not in cookie
        secure = client.post(
            "/login",
            data={"token": TOKEN},
            headers={"origin": "https://gate.example.com", "host": "gate.example.com"},
        )
        assert "; secure" in secure.headers["set-cookie"].lower()


def test_who_has_a_session_labels_by_a_form(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        log_in(client)
        assert label(client, form_token(client)) == 303
        assert labels(there) == ("false-alarm", "a clock", "Ada")
        page = client.get(PAGES[3]).text
        assert "Labelled <b>False alarm</b> by Ada" in page
        removed = client.post(
            f"/label?run={ALARM}&next=runs", data={"label": "", "form": form_token(client)}
        )
        assert removed.headers["location"] == "runs"
        assert labels(there) == ("", "", "")


def test_a_form_of_somebody_else_does_nothing(there: Store) -> None:
    with asking(there, token=TOKEN) as ada, asking(there, token=TOKEN) as eve:
        log_in(ada)
        log_in(eve, name="Ada")
        for form in "", "forged", form_token(eve), form_token(ada)[:-1]:
            assert label(ada, form) == 403
        assert labels(there) == ("", "", "")
        assert label(ada, form_token(ada)) == 303


def test_a_session_writes_by_forms_alone(there: Store) -> None:
    """A form proves that its page was loaded; the API has no such proof."""
    with asking(there, token=TOKEN) as client:
        log_in(client)
        assert client.get("/api/runs").status_code == 200
        put = client.put(f"/api/runs/{ALARM}/label", json={"label": "false-alarm"})
        assert put.status_code == 401
        posted = client.post("/api/deployments", json={"version": "1", "target": "https://a.b"})
        assert posted.status_code == 401


def test_logging_out_ends_the_session_of_that_browser(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        log_in(client)
        assert client.post("/logout", data={"form": "forged"}).status_code == 403
        assert client.get("/").status_code == 200
        assert client.post("/logout", data={"form": form_token(client)}).status_code == 303
        assert client.get("/").status_code == 303


def test_another_token_ends_all_sessions(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        log_in(client)
        cookie = client.cookies[COOKIE]
    with asking(there, token=TOKEN) as client:
        assert client.get("/", headers={"cookie": f"{COOKIE}={cookie}"}).status_code == 200
    with asking(there, token=TOKEN + "2") as client:
        assert client.get("/", headers={"cookie": f"{COOKIE}={cookie}"}).status_code == 303
    with asking(there) as client:
        page = client.get(PAGES[3], headers={"cookie": f"{COOKIE}={cookie}"}).text
        assert 'name="form"' not in page


def test_a_wrong_token_is_refused_and_after_some_the_right_one_too(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        for _ in range(attempts.MOST):
            wrong = log_in(client, "not the token")
            assert (wrong.status_code, "That is not the token." in wrong.text) == (401, True)
        held_back = log_in(client)
        assert held_back.status_code == 429
        assert int(held_back.headers["retry-after"]) == 60
        assert client.get("/api/runs", headers=BEARER).status_code == 429


def test_guesses_by_the_api_count_as_well(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        for guess in ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper()]:
            bearer = {"authorization": f"Bearer {guess}".strip()}
            guessed = client.get("/api/runs", headers=bearer)
            assert guessed.status_code == 401
        assert log_in(client).status_code == 429


def test_whoever_is_in_stays_in_while_others_guess(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        log_in(client)
        for _ in range(attempts.MOST):
            log_in(client, "not the token")
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("content", ["application/json", "multipart/form-data", "text/plain"])
def test_what_is_no_form_is_refused(there: Store, content: str) -> None:
    with asking(there, token=TOKEN) as client:
        sent = client.post("/login", content=b"token=x", headers={"content-type": content})
        assert sent.status_code == 415


def test_a_large_body_is_refused(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        assert log_in(client, "x" * 30_000).status_code == 413
        fields = "&".join(f"f{number}=1" for number in range(50))
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert client.post("/login", content=fields, headers=form).status_code == 400


def test_a_proxy_that_is_trusted_says_who_asks(there: Store) -> None:
    rules = {"user_header": "X-User", "proxies": LOOPBACK}
    with asking(there, **rules) as client:
        assert client.get("/", headers=USER).status_code == 200
        form = re.search(r'name="form" value="([^"]+)"', client.get(PAGES[3], headers=USER).text)
        assert form
        assert label(client, form[1], **USER) == 303
        assert labels(there) == ("false-alarm", "a clock", "grace")
        assert label(client, form[1], **{"x-user": "eve"}) == 403, "it is of grace's page"
        put = {"label": "true-alarm", "author": "somebody else"}
        assert client.put(f"/api/runs/{ALARM}/label", json=put, headers=USER).status_code == 200
        assert labels(there) == ("true-alarm", "", "grace")


def test_whom_a_proxy_does_not_name_gets_nothing(there: Store) -> None:
    rules = {"user_header": "X-User", "proxies": LOOPBACK}
    with asking(there, **rules) as client:
        for headers in ({}, {"x-user": ""}, {"x-other": "grace"}):
            refused = client.get("/", headers=headers)
            assert refused.status_code == 403
            assert "did not say who you are" in refused.text
            assert client.get("/api/runs", headers=headers).status_code == 401
        twice = client.get("/", headers=[("x-user", "eve"), ("x-user", "grace")])
        assert twice.status_code == 403, "a proxy that adds the header lets the first one pass"


def test_nobody_else_says_who_asks(there: Store) -> None:
    rules = {"user_header": "X-User", "proxies": (ip_network("192.0.2.0/24"),)}
    with asking(there, **rules) as client:
        assert client.get("/", headers=USER).status_code == 403
        forwarded = {**USER, "x-forwarded-for": "192.0.2.1", "forwarded": "for=192.0.2.1"}
        assert client.get("/", headers=forwarded).status_code == 403
    with asking(there, token=TOKEN, proxies=LOOPBACK) as client:
        assert client.get("/", headers=USER).status_code == 303


def test_names_are_utf8_as_proxies_send_them(there: Store) -> None:
    rules = {"user_header": "X-User", "proxies": LOOPBACK}
    with asking(there, **rules) as client:
        page = client.get("/", headers={b"x-user": "Zoë <b>".encode()}).text
        assert ">Zoë &lt;b&gt;<" in page
        assert ">Zo\u00eb<" in client.get("/", headers={b"x-user": b"Zo\xeb"}).text


def test_a_token_goes_beside_a_proxy(there: Store) -> None:
    rules = {"user_header": "X-User", "proxies": LOOPBACK, "token": TOKEN}
    with asking(there, **rules) as client:
        assert client.get("/api/runs", headers=BEARER).status_code == 200
        assert client.get("/", headers={**USER, "authorization": "Basic eDp5"}).status_code == 200
        assert client.get("/", headers={**USER, "authorization": "Bearer x"}).status_code == 200


def test_behind_a_proxy_everybody_fails_for_themselves(there: Store) -> None:
    with asking(there, token=TOKEN, proxies=LOOPBACK) as client:
        for _ in range(attempts.MOST):
            client.headers["x-forwarded-for"] = "203.0.113.9, 198.51.100.1"
            assert log_in(client, "not the token").status_code == 401
        assert log_in(client).status_code == 429
        client.headers["x-forwarded-for"] = "198.51.100.1, 198.51.100.2"
        assert log_in(client).status_code == 303
        client.headers["x-forwarded-for"] = "8.8.8.8, 198.51.100.1, 127.0.0.5"
        assert log_in(client).status_code == 429, "a proxy of ours stands before another"


def test_without_a_proxy_nobody_chooses_their_address(there: Store) -> None:
    with asking(there, token=TOKEN) as client:
        for number in range(attempts.MOST):
            client.headers["x-forwarded-for"] = f"198.51.100.{number}"
            log_in(client, "not the token")
        assert log_in(client).status_code == 429


def test_a_link_on_another_site_leads_to_a_page_that_leads_on(there: Store) -> None:
    """A strict cookie is not sent from there, so it is not known yet who comes."""
    with asking(there, token=TOKEN) as client:
        log_in(client)
        cookie = {"cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
    with asking(there, token=TOKEN) as client:
        first = client.get(PAGES[3], headers={"sec-fetch-site": "cross-site"})
        assert 'http-equiv="refresh" content="0"' in first.text
        assert "production" not in first.text
        then = client.get(PAGES[3], headers={"sec-fetch-site": "same-origin", **cookie})
        assert "ROLLBACK" in then.text
        stranger = client.get(PAGES[3], headers={"sec-fetch-site": "same-origin"})
        assert stranger.status_code == 303
