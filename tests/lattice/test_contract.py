"""The OpenAPI description is kept: no undocumented answer, no 5xx, with a token and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lattice.contract import A_LITTLE, SERVED, check
from tests.lattice.processes import Served
from tests.lattice.servers import Redis


@pytest.mark.parametrize("with_token", [True, False], ids=["token", "no token"])
def test_what_is_answered_is_described(
    serving: Callable[..., Served], redis: Redis, with_token: bool
) -> None:
    served = serving("--dev", LATTICE_REDIS_URL=redis.url, **SERVED)
    ended = check(served.url, A_LITTLE, with_token=with_token)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No issues found" in ended.stdout
    assert "signed up" not in ended.stdout
