"""Who calls in the tests of the contract: an account that is made anew when it is gone."""

from __future__ import annotations

import os
from typing import Any
from uuid import uuid4

import httpx2
import schemathesis

PASSWORD = "correct horse battery staple"


class Bearer:
    """Gives every call a token that is good when the call is made."""

    def __init__(self) -> None:
        self._client = httpx2.Client(base_url=os.environ["CONTRACT_URL"])
        self._headers: dict[str, str] = {}

    def get(self, case: Any, context: Any) -> dict[str, str]:
        # The calls remove accounts and end sessions: that is what they are for.
        if self._client.get("/api/auth/me", headers=self._headers).status_code != 200:
            account = {"email": f"{uuid4()}@example.com", "password": PASSWORD}
            account |= {"tenant_name": "Contract"}
            reply = self._client.post("/api/auth/register", json=account)
            self._headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
        return self._headers

    def set(self, case: Any, data: dict[str, str], context: Any) -> None:
        case.headers = {**(case.headers or {}), **data}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let each call be one of its own: a key that comes again with another body is refused."""
    for name in list(case.headers or ()):
        if name.lower() == "idempotency-key":
            case.headers[name] = str(uuid4())


if os.environ.get("CONTRACT_TOKEN"):
    schemathesis.auth(refresh_interval=None)(Bearer)
