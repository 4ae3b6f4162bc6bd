"""A ledger of accounts behind JSON-RPC 2.0: one endpoint, status 200, errors in the body.

Amounts are whole cents.
"""

from __future__ import annotations

import argparse
import inspect
import json
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

VERSION = "0.9.2"
# Of the specification (section 5.1), and of this service.
PARSE_ERROR, INVALID_REQUEST, NO_SUCH_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
NO_SUCH_ACCOUNT, NAME_TAKEN, OVERDRAWN = 1001, 1002, 1003


class Refused(Exception):
    """The code and the words of an error."""


@dataclass
class Account:
    """What an account holds, and the transfers that made it so."""

    balance: int
    entries: list[dict[str, Any]] = field(default_factory=list)


class Ledger:
    """The accounts by name, and what can be done with them; one call at a time."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.lock = Lock()
        self.methods: dict[Any, Callable[..., Any]] = {
            "system.ping": self.ping,
            "ledger.open": self.open,
            "ledger.balance": self.balance,
            "ledger.entries": self.entries,
            "ledger.transfer": self.transfer,
            "ledger.close": self.close,
        }

    def ping(self) -> dict[str, Any]:
        return {"pong": True, "version": VERSION}

    def open(self, account: str, deposit: int) -> dict[str, Any]:
        is_named = isinstance(account, str) and account
        if not is_named or type(deposit) is not int or deposit < 0:
            raise Refused(INVALID_PARAMS, "account is a name, deposit is no less than 0 cents")
        if account in self.accounts:
            raise Refused(NAME_TAKEN, f"there is an account {account!r} already")
        self.accounts[account] = Account(deposit)
        return self.balance(account)

    def balance(self, account: str) -> dict[str, Any]:
        return {"account": account, "balance": self.find(account).balance}

    def entries(self, account: str) -> list[dict[str, Any]]:
        return [*self.find(account).entries]

    def transfer(self, source: str, target: str, amount: int, reference: str) -> dict[str, Any]:
        giver, taker = self.find(source), self.find(target)
        if type(amount) is not int or amount <= 0 or giver is taker:
            raise Refused(INVALID_PARAMS, "amount is more than 0 cents, between two accounts")
        if amount > giver.balance:
            raise Refused(OVERDRAWN, f"{source!r} holds only {giver.balance} cents")
        giver.balance -= amount
        taker.balance += amount
        giver.entries.append({"amount": -amount, "other": target, "reference": reference})
        taker.entries.append({"amount": amount, "other": source, "reference": reference})
        return {"source": self.balance(source), "target": self.balance(target)}

    def close(self, account: str) -> dict[str, Any]:
        paid_out = self.find(account).balance
        del self.accounts[account]
        return {"account": account, "paid_out": paid_out}

    def find(self, account: str) -> Account:
        if not isinstance(account, str):
            raise Refused(INVALID_PARAMS, "an account is a name")
        if account not in self.accounts:
            raise Refused(NO_SUCH_ACCOUNT, f"there is no account {account!r}")
        return self.accounts[account]


def answer(ledger: Ledger, body: bytes) -> Any:
    """Answer a call or a batch of calls; None where there is nothing to be said."""
    try:
        sent = json.loads(body)
    except ValueError:
        return failure(None, PARSE_ERROR, "this is no JSON")
    if not isinstance(sent, list):
        return answer_call(ledger, sent)
    if not sent:
        return failure(None, INVALID_REQUEST, "the batch is empty")
    answers = [answer_call(ledger, call) for call in sent]
    return [each for each in answers if each is not None] or None


def answer_call(ledger: Ledger, call: Any) -> dict[str, Any] | None:
    if not (isinstance(call, dict) and call.get("jsonrpc") == "2.0" and "method" in call):
        return failure(None, INVALID_REQUEST, "this is no call")
    try:
        result = perform(ledger, call["method"], call.get("params", {}))
    except Refused as refused:
        return failure(call["id"], *refused.args) if "id" in call else None
    return {"jsonrpc": "2.0", "id": call["id"], "result": result} if "id" in call else None


def perform(ledger: Ledger, name: Any, params: Any) -> Any:
    method = ledger.methods.get(name) if isinstance(name, str) else None
    if method is None:
        raise Refused(NO_SUCH_METHOD, f"there is no method {name!r}")
    wanted = inspect.signature(method).parameters.keys()
    if not isinstance(params, dict) or params.keys() != wanted:
        raise Refused(INVALID_PARAMS, f"params are {', '.join(sorted(wanted)) or 'none'}, by name")
    with ledger.lock:
        return method(**params)


def failure(call_id: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": message}}


class Server(ThreadingHTTPServer):
    """The ledger behind HTTP, each connection in a thread."""

    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.ledger = Ledger()


class Handler(BaseHTTPRequestHandler):
    """Reads calls and writes answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        if self.path == "/health":
            self.reply(200, {"status": "ok", "version": VERSION})
        elif self.path == "/rpc":
            self.reply(405, {"detail": "calls are sent by POST"}, Allow="POST")
        else:
            self.reply(404, {"detail": "there is nothing here"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/rpc":
            said = answer(self.server.ledger, body)
            self.reply(204 if said is None else 200, said)
        else:
            self.reply(404, {"detail": "there is nothing here"})

    def reply(self, status: int, document: Any, **headers: str) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    options = argparse.ArgumentParser(description="A ledger of accounts.")
    options.add_argument("--port", type=int, default=8100, help="0: any that is free")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with Server(options.parse_args().port) as server, suppress(KeyboardInterrupt):
        print(f"ready at http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
