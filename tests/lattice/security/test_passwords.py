import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from lattice.security.passwords import Passwords
from lattice.settings import Settings


@pytest.fixture
def passwords(settings_with: Callable[..., Settings]) -> Iterator[Passwords]:
    made = Passwords(settings_with())
    yield made
    made.close()


def test_the_right_password_is_right_and_another_is_not(passwords: Passwords) -> None:
    kept = asyncio.run(passwords.hash("correct horse"))
    assert asyncio.run(passwords.verify("correct horse", kept))
    assert not asyncio.run(passwords.verify("Correct horse", kept))
    assert not asyncio.run(passwords.verify("", kept))


def test_a_hash_is_argon2id_salted_and_tells_nothing(passwords: Passwords) -> None:
    first, second = (asyncio.run(passwords.hash("correct horse")) for _ in range(2))
    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert first != second
    assert "horse" not in first


def test_production_costs_are_those_of_rfc_9106(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICE_SECRET", "x" * 32)
    passwords = Passwords(Settings())
    kept = asyncio.run(passwords.hash("correct horse"))
    passwords.close()
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_production_costs_are_no_less_than_owasp_asks_for() -> None:
    default = {name: field.default for name, field in Settings.model_fields.items()}
    asked_memory_kib, asked_passes = 19 * 1024, 2
    assert default["password_memory_kib"] >= asked_memory_kib
    assert default["password_time_cost"] >= asked_passes


def test_a_hash_is_renewed_only_where_its_costs_are_not_those_of_today(
    passwords: Passwords, settings_with: Callable[..., Settings]
) -> None:
    kept = asyncio.run(passwords.hash("correct horse"))
    assert asyncio.run(passwords.renewed("correct horse", kept)) is None
    for cost in ({"password_time_cost": 2}, {"password_memory_kib": 16}, {"password_lanes": 2}):
        others = Passwords(settings_with(**({"password_memory_kib": 16} | cost)))
        renewed = asyncio.run(others.renewed("correct horse", kept))
        assert renewed
        assert asyncio.run(others.verify("correct horse", renewed))
        assert asyncio.run(others.renewed("correct horse", renewed)) is None
        others.close()


def test_nobody_has_no_password_and_costs_as_much(passwords: Passwords) -> None:
    real = asyncio.run(passwords.hash("correct horse"))
    nobodys = passwords._nobodys_hash
    shape = re.compile(r"[^$,=]+")

    def lengths(text: str) -> list[int]:
        return [len(part) for part in shape.findall(text)]

    assert nobodys.split("$")[1:4] == real.split("$")[1:4]
    assert lengths(nobodys) == lengths(real)
    assert not asyncio.run(passwords.verify("correct horse", None))


def test_no_more_are_hashed_at_once_than_is_set(
    settings_with: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = Passwords(settings_with(password_workers=2))
    inside, most = 0, 0
    lock = threading.Lock()

    def slow(password: str) -> str:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.02)
        with lock:
            inside -= 1
        return password

    monkeypatch.setattr(passwords._hasher, "hash", slow)

    async def flood() -> None:
        await asyncio.gather(*(passwords.hash("x") for _ in range(8)))

    asyncio.run(flood())
    passwords.close()
    assert most == 2


def test_the_event_loop_goes_on_meanwhile(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def waits_for_the_loop(password: str) -> str:
        assert goes_on.wait(10)
        return password

    monkeypatch.setattr(passwords._hasher, "hash", waits_for_the_loop)

    async def scenario() -> None:
        hashing = asyncio.create_task(passwords.hash("x"))
        await asyncio.sleep(0)
        goes_on.set()
        await hashing

    asyncio.run(scenario())
