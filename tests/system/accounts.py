"""Accounts at Lattice that no run has made, asked for in plain requests."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from smokegate.settings import Settings

from tests.system.lattice_process import LatticeProcess
from tests.system.raw_client import client_context

PASSWORD = Settings().test_password


def ask(
    lattice: LatticeProcess, path: str, document: Mapping[str, object], token: str = ""
) -> tuple[int, Any]:
    """Post a document to Lattice and give the status and the reply's document."""
    request = urllib.request.Request(
        lattice.url + path,
        json.dumps(document).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, context=client_context(lattice.ca_file)) as reply:
            return int(reply.status), json.loads(reply.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def register(email: str, lattice: LatticeProcess) -> str:
    """Make an account that is nobody's but its own, and give its token."""
    account = {"email": email, "password": PASSWORD, "tenant_name": "other"}
    status, document = ask(lattice, "/api/auth/register", account)
    assert status == 201, document
    return str(document["access_token"])


def is_there(email: str, lattice: LatticeProcess) -> bool:
    """Whether an account exists: it can be logged in to."""
    return ask(lattice, "/api/auth/login", {"email": email, "password": PASSWORD})[0] == 200
