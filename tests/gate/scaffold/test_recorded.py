"""What is drafted from recordings and collections: requests in order, and no secret of theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gate.scaffold.drafting import WORKFLOWS, Drafted

SECRETS = ("hunter2hunter2", "s3cr3t-value", "eyJhbGciOiJIUzI1NiJ9")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
HURL = """\
# Log in first.
POST https://shop.example/api/login
Content-Type: application/json
{
  "email": "{{email}}",
  "password": "hunter2hunter2"
}
HTTP 200
[Captures]
token: jsonpath "$.access_token"
[Asserts]
jsonpath "$.items[0].n" == 3
jsonpath "$.kind" exists
jsonpath "$.items" count == 2
duration < 1000

GET https://shop.example/api/carts
Authorization: Bearer {{token}}
[Query]
limit: 1 0
HTTP *
[Asserts]
status == 206

POST https://tracker.example/hit
HTTP 204
"""
OF_HURL = '''\
async def test_shop(self, client: Client) -> None:
        """The requests of shop.hurl are answered.

        Drafted from: shop.hurl
        """
        if not self.password:
            client.skip("password is not set: SMOKEGATE_PASSWORD")
        if not self.email:
            client.skip("email is not set: SMOKEGATE_EMAIL")
        login = await client.post(
            "/api/login", json={"email": self.email, "password": self.password}
        )
        expect(login).status(200).json("items", 0, "n", equals=3).json("kind")
        token = login.read(str | int, "access_token")
        carts = await client.get(
            "/api/carts?limit=1+0", headers={"Authorization": f"Bearer {token}"}
        )
        expect(carts).status(206)'''
HTTP = """\
@host = https://shop.example
@api = {{host}}/api
@page = 2
@thing = s3cr3t-value

### Log in
# @name login
POST {{api}}/login HTTP/1.1
Content-Type: application/json

{ "password": "hunter2hunter2", "n": {{page}}, "m": "{{page}}" }

> {%
  client.global.set("token", response.body.token);
%}

###
// the carts
GET {{api}}/carts
    ?page={{page}}
    &of={{$guid}}
Authorization: Bearer {{login.response.body.$.access_token}}
X-Auth-Thing: {{thing}}

### As a form
POST {{host}}/token
Content-Type: application/x-www-form-urlencoded
X-Api-Key: s3cr3t-value

username=a+b&password=hunter2hunter2

###
GET {{host}}/files
< ./body.json
"""
OF_HTTP = """\
        login = await client.post(
            "/api/login",
            json={"password": self.password, "n": int(self.page), "m": self.page},
        )
        expect(login).succeeded()
        login_access_token = login.read(str | int, "access_token")
        carts = await client.get(
            f"/api/carts?page={self.page}&of={client.unique('smoke')}",
            headers={
                "Authorization": f"Bearer {login_access_token}",
                "X-Auth-Thing": self.thing_secret,
            },
        )
        expect(carts).succeeded()
        form = {"username": "a b", "password": self.password}
        token = await client.post(
            "/token",
            body=urlencode(form).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Api-Key": self.x_api_key,
            },
        )
        expect(token).succeeded()"""
TEST = """
const seen = pm.response.json();
pm.test("it", () => {
  pm.response.to.have.status(200);
  pm.expect(seen.items[0].name).to.eql('Ada');
  pm.expect(other.items).to.eql(7);
  pm.expect(seen.items).to.be.an("array");
});
pm.environment.set("item", seen.items[0].id);
"""
COLLECTION: dict[str, Any] = {
    "info": {"name": "Shop"},
    "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]},
    "variable": [
        {"key": "base", "value": "https://shop.example"},
        {"key": "token", "value": JWT},
        {"key": "page", "value": "3"},
    ],
    "item": [
        {
            "name": "Items",
            "item": [
                {
                    "name": "one",
                    "request": {
                        "method": "GET",
                        "url": {
                            "raw": "{{base}}/shops/:shop/items/:it?page={{page}}",
                            "variable": [{"key": "shop", "value": "7"}, {"key": "it"}],
                        },
                    },
                    "event": [{"listen": "test", "script": {"exec": TEST.splitlines()}}],
                },
                {
                    "name": "two",
                    "request": {
                        "method": "PUT",
                        "url": "{{base}}/items/{{item}}",
                        "body": {"mode": "raw", "raw": '{"a": {{page}}, "b": "{{$guid}}"}'},
                    },
                },
            ],
        },
        {"name": "ping", "request": {"method": "GET", "url": "{{base}}/ping", "auth": None}},
    ],
}
OF_FOLDER = """\
        if not self.it:
            client.skip("it is not set: SMOKEGATE_IT")
        if not self.api_token:
            client.skip("api_token is not set: SMOKEGATE_API_TOKEN")
        items = await client.get(
            f"/shops/7/items/{self.it}?page={self.page}",
            headers={"Authorization": f"Bearer {self.api_token}"},
        )
        expect(items).status(200).json("items", 0, "name", equals="Ada")
        item = items.read(str | int, "items", 0, "id")
        items_2 = await client.request(
            "PUT",
            f"/items/{item}",
            json={"a": int(self.page), "b": client.unique("smoke")},
            headers={"Authorization": f"Bearer {self.api_token}"},
        )
        expect(items_2).succeeded()"""


def entry(
    method: str,
    url: str,
    reply: Any = None,
    *,
    sent: Any = None,
    status: int = 200,
    kind: str = "application/json",
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": method,
        "url": url,
        "headers": [{"name": name, "value": value} for name, value in (headers or {}).items()],
    }
    if sent is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(sent)}
    content = {"mimeType": kind, "text": json.dumps(reply)}
    return {"request": request, "response": {"status": status, "content": content}}


SHOP = "https://shop.example"
BEARER = {"authorization": f"Bearer {JWT}"}
HAR = {
    "log": {
        "entries": [
            entry("GET", f"{SHOP}/old", status=302),
            entry(
                "GET", f"{SHOP}/", kind="text/html", headers={"User-Agent": "x", "sec-ch-ua": "y"}
            ),
            entry("GET", f"{SHOP}/app.js?v=1"),
            entry("GET", f"{SHOP}/logo", kind="image/png"),
            entry("POST", "https://tracker.example/hit"),
            entry("OPTIONS", f"{SHOP}/api/login"),
            entry(
                "POST",
                f"{SHOP}/api/login",
                {"access_token": JWT, "user": {"id": "usr-12345678"}},
                sent={"password": "hunter2hunter2"},
            ),
            entry(
                "POST",
                f"{SHOP}/api/users/usr-12345678/carts",
                {"cart_id": 4711},
                sent={"owner": "usr-12345678", "n": 1},
                status=201,
                headers={"Cookie": "sid=s3cr3t-value", **BEARER},
            ),
            entry("GET", f"{SHOP}/api/carts/4711?key=1", status=304, headers=BEARER),
        ]
    }
}
OF_HAR = """\
        reply = await client.get("/")
        expect(reply).status(200)
        login = await client.post("/api/login", json={"password": self.password})
        expect(login).status(200)
        access_token = login.read(str, "access_token")
        login_id = login.read(str, "user", "id")
        carts = await client.post(
            f"/api/users/{login_id}/carts",
            json={"owner": login_id, "n": 1},
            headers={
                "Cookie": self.session_cookie_token,
                "authorization": f"Bearer {access_token}",
            },
        )
        expect(carts).status(201)
        cart_id = carts.read(int, "cart_id")
        carts_2 = await client.get(
            f"/api/carts/{cart_id}?key=1",
            headers={"authorization": f"Bearer {access_token}"},
        )
        expect(carts_2).status(200)"""


@pytest.mark.parametrize(
    ("option", "name", "source", "wanted"),
    [
        ("--http", "shop.hurl", HURL, OF_HURL),
        ("--http", "shop.http", HTTP, OF_HTTP),
        ("--postman", "shop.json", json.dumps(COLLECTION), OF_FOLDER),
        ("--har", "shop.har", json.dumps(HAR), OF_HAR),
    ],
)
def test_the_requests_are_drafted_in_order_and_without_secrets(
    project: Drafted, option: str, name: str, source: str, wanted: str
) -> None:
    project.from_text(option, name, source)
    text = project.check("test_items" if option == "--postman" else "test_shop")
    assert text.endswith(wanted)
    for each in project.folder.rglob("*.py"):
        assert not any(secret in each.read_text("utf-8") for secret in SECRETS)


def test_what_is_left_out_is_said(project: Drafted) -> None:
    assert project.from_text("--http", "shop.hurl", HURL)[-1] == (
        "left out, because it goes to another host: POST /hit"
    )
    assert project.from_text("--http", "shop.http", HTTP)[-1] == (
        "left out, because its body is a file: GET /files"
    )


def test_each_source_is_drafted_once(project: Drafted) -> None:
    project.from_text("--postman", "shop.json", json.dumps(COLLECTION))
    before = project.text(WORKFLOWS)
    assert before.count("async def test_") == 2
    project.from_text("--postman", "shop.json", json.dumps(COLLECTION))
    assert project.text(WORKFLOWS) == before
    folder = COLLECTION["item"][0] | {"name": "More"}
    more = COLLECTION | {"item": [*COLLECTION["item"], folder]}
    project.from_text("--postman", "shop.json", json.dumps(more))
    assert project.check("test_more")
    assert project.text(WORKFLOWS).startswith(before.rstrip("\n"))


def test_the_target_names_whose_requests_of_a_recording_are_meant(project: Drafted) -> None:
    (project.folder.parent / "shop.har").write_text(json.dumps(HAR))
    project.init("--har", project.folder.parent / "shop.har", "--url", "https://tracker.example")
    assert '"/hit"' in project.check("test_shop")
    assert "carts" not in project.text(WORKFLOWS)


def test_variables_that_hold_each_other_are_settings(project: Drafted) -> None:
    rows = "".join(f"@a{n} = {{{{a{n + 1}}}}}{{{{a{n + 1}}}}}\n" for n in range(60))
    project.from_text(
        "--http", "x.http", f"@b = {{{{b}}}}/c\n{rows}GET http://x/{{{{a0}}}}/{{{{b}}}}"
    )
    text = project.check("test_x")
    assert "/{self.a3}{self.a3}" in text
    assert "/{self.b}/c" in text
    assert len(text) < 1_000
