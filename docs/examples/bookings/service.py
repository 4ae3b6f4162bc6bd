"""Rooms to be booked by the day: HTML forms, a session in a cookie, a redirect after each POST."""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

VERSION = "2.1.0"
ROOMS = ("attic", "cellar", "garden")
GUESTS = ("ada@example.com", "bob@example.com")
PASSWORD = os.environ.get("BOOKINGS_PASSWORD", "SmokeTest123!@#")  # of all guests
COOKIE = re.compile(r"(?:^|; )session=([\w-]+)")
SET_COOKIE = "session={}; Path=/; HttpOnly; SameSite=Lax"
DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)


class Refused(Exception):
    """What was asked for cannot be done: the status, and the words of the page that says so."""


@dataclass(frozen=True)
class Booking:
    """A room that a guest has for a day."""

    guest: str
    room: str
    day: str
    purpose: str

    def __str__(self) -> str:
        return " ".join(f'<i class="{name}">{escape(it)}</i>' for name, it in vars(self).items())


@dataclass(frozen=True)
class Session:
    """Somebody's browser; of a guest once they have logged in."""

    guest: str = ""
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def form(self, action: str, button: str, **inputs: str) -> str:
        hidden = f'<input name="csrf_token" type="hidden" value="{self.csrf}">'
        fields = "".join(f'<input name="{name}" type="{kind}">' for name, kind in inputs.items())
        form = f'<form method="post" action="{action}">{hidden}{fields}'
        return f"{form}<button>{button}</button></form>"


class House:
    """The sessions and the bookings, in memory."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.bookings: dict[str, Booking] = {}

    def begin(self, guest: str = "") -> Session:
        session = Session(guest)
        return self.sessions.setdefault(session.id, session)

    def log_in(self, email: str, password: str) -> Session:
        if email not in GUESTS or not secrets.compare_digest(password.encode(), PASSWORD.encode()):
            raise Refused(403, "The address or the password is wrong.")
        return self.begin(email)

    def book(self, booking: Booking) -> str:
        """Keep a booking and give its id; the room and day are part of it."""
        right = {"room": booking.room in ROOMS, "day": DAY.fullmatch(booking.day)}
        for name, is_right in (right | {"purpose": booking.purpose.strip()}).items():
            if not is_right:
                raise Refused(422, f"The {name} is wrong.")
        booking_id = f"{booking.room}-{booking.day}"
        if self.bookings.setdefault(booking_id, booking) is not booking:
            raise Refused(409, "The room is taken on that day.")
        return booking_id

    def find(self, guest: str, booking_id: str) -> Booking:
        booking = self.bookings.get(booking_id)
        if booking is None or booking.guest != guest:
            raise Refused(404, "There is no such booking.")
        return booking


class Server(ThreadingHTTPServer):
    """The house behind HTTP, each connection in a thread."""

    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.house = House()


class Handler(BaseHTTPRequestHandler):
    """Reads requests and writes pages."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(errors="replace")
        cookie = COOKIE.search(self.headers.get("Cookie", ""))
        session = self.server.house.sessions.get(cookie[1] if cookie else "", Session())
        path = self.path.partition("?")[0]
        try:
            if self.command == "POST":
                self.post(path, session, dict(parse_qsl(body)))
            else:
                self.get(path, session)
        except Refused as refused:
            self.page(refused.args[0], "Sorry", f'<p class="reason">{refused.args[1]}</p>')

    do_POST = do_GET

    def get(self, path: str, session: Session) -> None:
        house = self.server.house
        if path == "/health":
            self.reply(200, json.dumps({"status": "ok", "version": VERSION}), "application/json")
        elif path == "/":
            self.page(200, "Rooms", " ".join(f'<i class="room">{room}</i>' for room in ROOMS))
        elif path == "/login":
            fresh = house.begin()
            fields = fresh.form(path, "Log in", email="email", password="password")
            self.page(200, "Log in", fields, Set_Cookie=SET_COOKIE.format(fresh.id))
        elif not session.guest and path.startswith("/bookings"):
            self.reply(303, Location="/login")
        elif path == "/bookings":
            pairs = list(house.bookings.items())  # at once: others book meanwhile
            own = [(key, each) for key, each in pairs if each.guest == session.guest]
            items = "".join(f'<p><a href="{path}/{key}">{each}</a>' for key, each in own)
            new = session.form(path, "Book", room="text", day="date", purpose="text")
            self.page(200, "Your bookings", items + new + session.form("/logout", "Log out"))
        elif path.startswith("/bookings/"):
            booking = house.find(session.guest, path.split("/")[2])
            self.page(200, "Booked", f"{booking}{session.form(f'{path}/cancel', 'Cancel')}")
        else:
            raise Refused(404, "There is no such page.")

    def post(self, path: str, session: Session, sent: dict[str, str]) -> None:
        house = self.server.house
        if not secrets.compare_digest(sent.get("csrf_token", "").encode(), session.csrf.encode()):
            raise Refused(403, "The form is none of ours.")
        if path == "/login":
            entered = house.log_in(sent.get("email", ""), sent.get("password", ""))
            house.sessions.pop(session.id, None)  # what was known before is worth nothing now
            self.reply(303, Location="/bookings", Set_Cookie=SET_COOKIE.format(entered.id))
        elif path == "/logout":
            house.sessions.pop(session.id, None)
            self.reply(303, Location="/", Set_Cookie=SET_COOKIE.format("; Max-Age=0"))
        elif session.guest and path == "/bookings":
            wanted = (sent.get(name, "") for name in ("room", "day", "purpose"))
            self.reply(303, Location=f"{path}/{house.book(Booking(session.guest, *wanted))}")
        elif session.guest and re.fullmatch("/bookings/[^/]+/cancel", path):
            house.find(session.guest, path.split("/")[2])
            house.bookings.pop(path.split("/")[2], None)
            self.reply(303, Location="/bookings")
        else:
            raise Refused(404, "There is no such page.")

    def page(self, status: int, title: str, content: str, **headers: str) -> None:
        html = f'<!DOCTYPE html><html lang="en"><title>{title}</title><h1>{title}</h1>{content}'
        self.reply(status, html, Cache_Control="no-store", **headers)

    def reply(self, status: int, text: str = "", media: str = "text/html", **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{media}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    options = argparse.ArgumentParser(description="Rooms to be booked by the day.")
    options.add_argument("--port", type=int, default=8100, help="0: any that is free")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with Server(options.parse_args().port) as server, suppress(KeyboardInterrupt):
        print(f"ready at http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
