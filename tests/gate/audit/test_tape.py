"""How a replay finds the recorded reply to a request, whatever was broken before."""

from __future__ import annotations

from smokegate.audit.recording import Recorded
from smokegate.audit.tape import Entry, Library, Playback, Tape
from smokegate.client import Answer, Request

JSON = [("content-type", "application/json")]


def request(
    method: str = "GET", path: str = "/things", *, token: str = "", body: bytes | None = None
) -> Request:
    headers = [("Authorization", f"Bearer {token}")] if token else []
    return Request(method=method, url=f"https://a.example{path}", headers=headers, body=body)


def entry(
    asked: Request, body: bytes, *, status: int = 200, number: int = 1, owner: str = "o"
) -> Entry:
    answer = Answer(status=status, headers=JSON, body=body, sends=1)
    return Entry(Recorded(owner=owner, number=number, request=asked, answer=answer))


def playback(*entries: Entry, others: tuple[Entry, ...] = ()) -> Playback:
    return Playback(Tape(list(entries)), Library([*entries, *others]))


def bodies(played: Playback, *asked: Request) -> list[bytes]:
    return [played.deliver(each)[0].body for each in asked]


def test_the_same_request_is_answered_in_the_order_of_the_recording() -> None:
    played = playback(entry(request(), b"1"), entry(request(), b"2", number=2))
    assert bodies(played, request(), request()) == [b"1", b"2"]
    assert played.is_whole


def test_asked_beyond_the_recording_the_last_reply_comes_again() -> None:
    played = playback(entry(request(), b"1"), entry(request(), b"2", number=2))
    played.deliver(request())
    assert [played.deliver(request())[1] for _ in range(3)] == [False, True, True]
    assert bodies(played, request()) == [b"2"]
    assert not played.is_whole


def test_another_order_does_not_mix_up_replies() -> None:
    played = playback(entry(request(path="/a"), b"a"), entry(request(path="/b"), b"b", number=2))
    assert bodies(played, request(path="/b"), request(path="/a")) == [b"b", b"a"]


def test_another_body_gets_the_recorded_reply_and_is_flagged() -> None:
    played = playback(entry(request("POST", body=b"1"), b"made"))
    assert bodies(played, request("POST", body=b"2")) == [b"made"]
    assert played.has_diverged


def test_other_credentials_get_what_they_got_elsewhere() -> None:
    theirs = entry(request(token="theirs"), b"theirs", owner="p")
    played = playback(entry(request(token="mine"), b"mine"), others=(theirs,))
    assert bodies(played, request(token="theirs")) == [b"theirs"]
    assert played.has_diverged  # by now it may have been answered otherwise


def test_unknown_credentials_are_refused_as_was_recorded() -> None:
    refused = entry(request(path="/other"), b"no", status=401, owner="p")
    played = playback(entry(request(token="mine"), b"mine"), others=(refused,))
    content, beyond = played.deliver(request(token="made-up"))
    assert (content.status, content.body, beyond) == (401, b"no", True)
    assert not played.has_diverged


def test_the_refusal_of_the_same_endpoint_comes_first() -> None:
    elsewhere = entry(request(path="/x"), b"elsewhere", status=404, owner="p")
    here = entry(request(path="/things/17", token="theirs"), b"here", status=404, owner="q")
    mine = entry(request(path="/things/18", token="mine"), b"{}")
    played = playback(mine, others=(elsewhere, here))
    assert bodies(played, request(path="/things/99", token="mine")) == [b"here"]


def test_where_no_refusal_was_recorded_one_is_made_up() -> None:
    played = playback(entry(request(token="mine"), b"mine"))
    unknown, _ = played.deliver(request(token="made-up"))
    elsewhere, _ = played.deliver(request(path="/nothing", token="mine"))
    assert (unknown.status, unknown.document["status"]) == (401, 401)
    assert (elsewhere.status, elsewhere.document["status"]) == (404, 404)
    assert unknown.is_json
