"""What several tests of accounts look at."""

from __future__ import annotations

from typing import Any

import argon2
import pytest
from argon2.exceptions import VerifyMismatchError


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is computed for passwords: each a word of what for, with its costs.

    Counted where the library is called that computes: a hash that it cannot read costs nothing,
    and raises another error than a mismatch.
    """
    done: list[str] = []

    def hash_secret(*given: Any, **named: Any) -> bytes:
        made = argon2.low_level.hash_secret(*given, **named)
        done.append("hash " + made.decode().split("$")[3])
        return made

    def verify_secret(kept: bytes, *given: Any) -> bool:
        try:
            return argon2.low_level.verify_secret(kept, *given)
        except VerifyMismatchError:
            done.append("verify " + kept.decode().split("$")[3])
            raise

    monkeypatch.setattr(argon2._password_hasher, "hash_secret", hash_secret)
    monkeypatch.setattr(argon2._password_hasher, "verify_secret", verify_secret)
    return done
