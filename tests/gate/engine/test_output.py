"""What checks print stays with the attempt that printed it."""

from __future__ import annotations

import asyncio
import io
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest
from smokegate.checks import HealthSuite
from smokegate.client import Client
from smokegate.engine.output import kept, sorted_by_attempt
from smokegate.resources import resource

from tests.gate.engine.rehearsal import Rehearsal, check_in, resource_in
from tests.gate.scripted_transport import ScriptedTransport, answered

virtual_clock = pytest.mark.virtual_clock


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


@virtual_clock
async def test_it_is_kept_with_its_attempt_and_not_mixed_with_others() -> None:
    @resource
    async def account(client: Client) -> str:
        for _ in range(3):
            await asyncio.sleep(1)
            say("account")
        return "anna"

    class Health(HealthSuite):
        async def test_a(self) -> None:
            for _ in range(3):
                await asyncio.sleep(1)
                say("a")

        async def test_b(self, account: str) -> None:
            say("b")

        async def test_children(self) -> None:
            async def child(number: int) -> None:
                await asyncio.sleep(number)
                say(f"child {number}")

            await asyncio.gather(*map(child, (2, 0, 1)))

        async def test_retried(self, client: Client) -> None:
            reply = await client.get("/it")
            say(f"saw {reply.status}")
            assert reply.status == 200

    transport = ScriptedTransport({"GET /it": [answered(500), answered()]})
    outside = io.StringIO()
    with redirect_stdout(outside):
        run = await Rehearsal(Health, transport=transport, resources=(account,)).run()
    printed = {check.name: [attempt.output for attempt in check.attempts] for check in run.checks}
    assert printed == {
        "test_a": ["a\na\na\n"],
        "test_b": ["b\n"],
        "test_children": ["child 0\nchild 1\nchild 2\n"],
        "test_retried": ["saw 500\n", "saw 200\n"],
    }
    assert resource_in(run, "account").attempts[0].output == "account\n" * 3
    assert outside.getvalue() == ""


@virtual_clock
async def test_both_streams_are_kept_in_the_order_of_writing() -> None:
    class Health(HealthSuite):
        async def test_it(self) -> None:
            sys.stderr.write("error\n")
            say("output")

    run = await Rehearsal(Health).run()
    assert check_in(run, "it").attempts[0].output == "error\noutput\n"


@virtual_clock
async def test_what_others_print_meanwhile_goes_through() -> None:
    outside, errors = io.StringIO(), io.StringIO()

    async def check() -> str:
        with kept() as output:
            await asyncio.sleep(1)
            say("inside")
        say("after")
        return output.redacted(str)

    with redirect_stdout(outside), redirect_stderr(errors), sorted_by_attempt():
        task = asyncio.create_task(check())
        say("before")
        sys.stderr.write("error\n")
        sys.stdout.flush()
        assert await task == "inside\n"
    assert outside.getvalue() == "before\nafter\n"
    assert errors.getvalue() == "error\n"


async def test_threads_of_a_check_print_into_it() -> None:
    with sorted_by_attempt(), kept() as output:
        await asyncio.to_thread(say, "from a thread")
    assert output.redacted(str) == "from a thread\n"


async def test_it_is_capped() -> None:
    with kept() as output:
        for _ in range(100):
            output.write("x" * 999)
    assert len(output.redacted(str)) == 20_000


async def test_the_streams_are_put_back() -> None:
    before = sys.stdout, sys.stderr
    with pytest.raises(ZeroDivisionError), sorted_by_attempt():
        raise ZeroDivisionError
    assert (sys.stdout, sys.stderr) == before


async def test_it_looks_like_the_stream_behind_it() -> None:
    outside = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(outside), sorted_by_attempt():
        assert sys.stdout.writable()
        assert sys.stdout.encoding == "utf-8"
        assert sys.stdout.isatty() is False
        sys.stdout.writelines(["a", "b"])
        sys.stdout.flush()
    outside.seek(0)
    assert outside.read() == "ab"
