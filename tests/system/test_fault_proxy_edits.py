"""Faults in what a reply says: headers, fields, bodies, compression, substitutes."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from email.utils import parsedate_to_datetime

import pytest
from smokegate.fault_proxy import (
    Action,
    AddFractions,
    AddHeader,
    Answer,
    BrokenGzip,
    EditBody,
    EditJson,
    EditReply,
    EditRequest,
    ExtraFields,
    Fault,
    Gzip,
    GzipBomb,
    Latency,
    Redirect,
    ReflectOrigin,
    RemoveField,
    RemoveHeader,
    RenameHeaders,
    ReplaceBody,
    Reply,
    Request,
    SendTo,
    SetField,
    SetHeader,
    SetStatus,
    ShiftDate,
    Upstream,
)

from tests.system.conftest import OpenProxy
from tests.system.raw_client import Answer as Received
from tests.system.raw_client import ask, connected, send_get
from tests.system.tiny_upstream import DOCUMENT, TEXT, TinyUpstream

ACCEPTS_GZIP = {"Accept-Encoding": "gzip"}


def through(open_proxy: OpenProxy, action: Action, target: str = "/json") -> Received:
    """Ask once through a proxy with this fault and make sure that it was acted out."""
    fault = Fault(action)
    proxy = open_proxy(fault)
    answer = ask(proxy.url + target, headers=ACCEPTS_GZIP | {"Origin": "https://evil.example"})
    assert proxy.record.times_acted(fault) == 1
    return answer


def test_status_alone(open_proxy: OpenProxy) -> None:
    answer = through(open_proxy, SetStatus(503))
    assert (answer.status, json.loads(answer.body)) == (503, DOCUMENT)


def test_status_instead_of_one(open_proxy: OpenProxy) -> None:
    proxy = open_proxy(Fault(SetStatus(200, instead_of=404)))
    assert ask(proxy.url + "/nowhere").status == 200
    assert ask(proxy.url + "/empty").status == 204


def test_body_replaced(open_proxy: OpenProxy) -> None:
    answer = through(open_proxy, ReplaceBody(b"<html>", "text/html"))
    assert (answer.body, answer.header("Content-Type")) == (b"<html>", "text/html")


def test_body_transformed(open_proxy: OpenProxy) -> None:
    assert through(open_proxy, EditBody(bytes.upper), "/text").body == TEXT.upper()


def test_json_edited_by_a_function(open_proxy: OpenProxy) -> None:
    answer = through(open_proxy, EditJson(lambda document: {**document, "items": []}))
    assert json.loads(answer.body) == {"version": "2.0.0", "items": []}


@pytest.mark.parametrize(
    ("action", "edited"),
    [
        (SetField(("version",), None), DOCUMENT | {"version": None}),
        (SetField(("items", 0, "id"), 7), {"items": [{"id": 7, "cells": 8}, DOCUMENT["items"][1]]}),
        (RemoveField(("items", 1, "cells")), {"items": [DOCUMENT["items"][0], {"id": "b"}]}),
    ],
)
def test_one_json_field(open_proxy: OpenProxy, action: Action, edited: dict[str, object]) -> None:
    assert json.loads(through(open_proxy, action).body) == DOCUMENT | edited


@pytest.mark.parametrize(
    "action",
    [
        SetField(("missing", "field"), 1),
        RemoveField(("items", 9, "id")),
        RemoveHeader("X-Missing"),
        EditJson(lambda document: document),
        EditReply(lambda _request, reply: reply),
        SetStatus(500, instead_of=418),
    ],
)
def test_an_edit_that_changes_nothing_was_not_acted_out(
    open_proxy: OpenProxy, action: Action
) -> None:
    fault = Fault(action)
    proxy = open_proxy(fault)
    assert json.loads(ask(proxy.url + "/json").body) == DOCUMENT
    assert ask(proxy.url + "/text").body == TEXT
    assert proxy.record.times_acted(fault) == 0


def test_extra_fields_in_every_object(open_proxy: OpenProxy) -> None:
    document = json.loads(through(open_proxy, ExtraFields({"extra": 1})).body)
    assert document["extra"] == 1
    assert [item["extra"] for item in document["items"]] == [1, 1]
    shallow = json.loads(through(open_proxy, ExtraFields({"extra": 1}, nested=False)).body)
    assert shallow == DOCUMENT | {"extra": 1}


def test_whole_numbers_with_a_fraction(open_proxy: OpenProxy) -> None:
    answer = through(open_proxy, AddFractions())
    assert json.loads(answer.body) == DOCUMENT
    assert b'"cells": 27.0' in answer.body


def test_headers_set_added_and_removed(open_proxy: OpenProxy) -> None:
    assert through(open_proxy, SetHeader("x-mixed-case", "new")).header("X-Mixed-Case") == "new"
    added = through(open_proxy, AddHeader("X-Mixed-Case", "second"))
    values = [value for name, value in added.headers if name == "X-Mixed-Case"]
    assert values == ["kept", "second"]
    assert through(open_proxy, RemoveHeader("X-MIXED-CASE")).header("X-Mixed-Case") is None


@pytest.mark.parametrize("rename", [str.upper, str.lower, str.title])
def test_header_names_in_another_case(open_proxy: OpenProxy, rename: type[str]) -> None:
    proxy = open_proxy(Fault(RenameHeaders(rename)))
    with connected(proxy.url) as connection:
        send_get(connection, "/json")
        head = connection.recv(65_536).partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    names = [line.partition(":")[0] for line in head]
    assert names == [rename(name) for name in names]
    assert rename("content-type") in names


def test_cors_for_everyone(open_proxy: OpenProxy) -> None:
    reflected = through(open_proxy, ReflectOrigin())
    assert reflected.header("Access-Control-Allow-Origin") == "https://evil.example"
    assert reflected.header("Access-Control-Allow-Credentials") == "true"
    wild = through(open_proxy, ReflectOrigin(wildcard=True))
    assert wild.header("Access-Control-Allow-Origin") == "*"


def test_the_clock_of_the_server_is_off(open_proxy: OpenProxy) -> None:
    seen: list[str] = []

    def note(_request: Request, reply: Reply) -> Reply:
        seen.append(reply.header("Date") or "")
        return reply

    proxy = open_proxy(Fault(EditReply(note)), Fault(ShiftDate(-30)))
    shifted = parsedate_to_datetime(ask(proxy.url + "/json").header("Date") or "")
    assert (parsedate_to_datetime(seen[0]) - shifted).total_seconds() == 30


def test_a_good_reply_compressed(open_proxy: OpenProxy) -> None:
    answer = through(open_proxy, Gzip(), "/text")
    assert answer.header("Content-Encoding") == "gzip"
    assert gzip.decompress(answer.body) == TEXT
    assert ask(open_proxy(Fault(Gzip())).url + "/text").body == TEXT


def test_broken_gzip(open_proxy: OpenProxy) -> None:
    answer = through(open_proxy, BrokenGzip(), "/text")
    assert answer.header("Content-Encoding") == "gzip"
    with pytest.raises(zlib.error, match="invalid block type"):
        gzip.decompress(answer.body)


def test_a_bomb_is_small_valid_and_large(open_proxy: OpenProxy) -> None:
    packed = through(open_proxy, GzipBomb(decoded_mib=16)).body
    assert len(packed) < 32 * 1024
    assert gzip.decompress(packed) == b" " * (16 * 1024 * 1024)


def test_an_answer_keeps_the_request_from_the_upstream(
    open_proxy: OpenProxy, tiny_upstream: TinyUpstream
) -> None:
    answer = through(open_proxy, Answer(504, b"late", headers=(("Retry-After", "1"),)))
    assert (answer.status, answer.body, answer.header("Retry-After")) == (504, b"late", "1")
    assert tiny_upstream.seen == []


def test_redirects(open_proxy: OpenProxy, tiny_upstream: TinyUpstream) -> None:
    foreign = through(open_proxy, Redirect("https://evil.example{target}"), "/json?a=1")
    assert (foreign.status, foreign.header("Location")) == (307, "https://evil.example/json?a=1")
    assert tiny_upstream.seen == []
    proxy = open_proxy(Fault(Redirect("{target}?canonical=1", 308), path="^/json$"))
    own = ask(proxy.url + "/json")
    assert (own.status, own.header("Location")) == (308, "/json?canonical=1")
    assert ask(proxy.url + (own.header("Location") or "")).status == 200


def test_a_request_edited_on_its_way(open_proxy: OpenProxy) -> None:
    lost = Fault(EditRequest(lambda request: request.with_body(b"{}")), method="POST")
    proxy = open_proxy(lost)
    assert ask(proxy.url + "/echo", method="POST", body=b'{"plan": "x"}').body == b"{}"
    assert proxy.record.received[0].body_sha256 != proxy.record.forwarded[0].body_sha256
    assert proxy.record.times_acted(lost) == 1


def test_another_upstream_serves_one_path(open_proxy: OpenProxy) -> None:
    with TinyUpstream(version="1.0.0") as old:
        proxy = open_proxy(Fault(SendTo(Upstream(old.url)), path="^/json"))
        assert json.loads(ask(proxy.url + "/json").body)["version"] == "1.0.0"
        assert ask(proxy.url + "/text").body == TEXT
        assert old.seen == [("GET", "/json")]


def test_latency(open_proxy: OpenProxy) -> None:
    proxy = open_proxy(Fault(Latency(seconds=0.1)))
    started_s = time.monotonic()
    ask(proxy.url + "/json")
    assert time.monotonic() - started_s >= 0.1


def test_latency_as_a_factor_of_what_the_upstream_took() -> None:
    assert Latency(factor=5.0).delay_s(0.25) == 1.0
    assert Latency(seconds=0.5).delay_s(0.25) == 0.5
