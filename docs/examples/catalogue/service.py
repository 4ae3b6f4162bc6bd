"""A public catalogue of books: read-only, paged by cursor, with entity tags; no login."""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

VERSION = "1.4.0"
LARGEST_PAGE = 50


@dataclass(frozen=True)
class Book:
    """What the catalogue knows of a book; `id` sorts it."""

    id: str
    title: str
    author: str
    year: int
    subjects: list[str]


BOOKS = [
    Book("alice", "Alice's Adventures in Wonderland", "Lewis Carroll", 1865, ["children", "logic"]),
    Book("candide", "Candide, ou l'Optimisme", "Voltaire", 1759, ["satire", "travel"]),
    Book("cranford", "Cranford", "Elizabeth Gaskell", 1853, ["village"]),
    Book("dracula", "Dracula", "Bram Stoker", 1897, ["horror", "letters"]),
    Book("emma", "Emma", "Jane Austen", 1815, ["village", "satire"]),
    Book("faust", "Faust. Eine Tragödie", "Johann Wolfgang von Goethe", 1808, ["drama"]),
    Book("flatland", "Flatland", "Edwin A. Abbott", 1884, ["geometry", "satire"]),
    Book("frankenstein", "Frankenstein", "Mary Shelley", 1818, ["horror", "letters", "science"]),
    Book("gulliver", "Gulliver's Travels", "Jonathan Swift", 1726, ["satire", "travel"]),
    Book("heidi", "Heidi", "Johanna Spyri", 1881, ["children", "village"]),
    Book("kokoro", "こゝろ", "夏目漱石", 1914, ["friendship"]),
    Book("micromegas", "Micromégas", "Voltaire", 1752, ["satire", "science", "travel"]),
    Book("middlemarch", "Middlemarch", "George Eliot", 1871, ["village"]),
    Book("moby-dick", "Moby-Dick; or, The Whale", "Herman Melville", 1851, ["sea", "travel"]),
    Book("nemo", "Vingt mille lieues sous les mers", "Jules Verne", 1870, ["sea", "science"]),
    Book("pinocchio", "Le avventure di Pinocchio", "Carlo Collodi", 1883, ["children", "sea"]),
    Book("time-machine", "The Time Machine", "H. G. Wells", 1895, ["science"]),
    Book("treasure", "Treasure Island", "R. L. Stevenson", 1883, ["children", "sea"]),
]


class Refused(Exception):
    """A request that cannot be answered, as a problem document says it (RFC 9457)."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        self.status = status


class Catalogue:
    """The books, found and paged."""

    def book(self, book_id: str) -> Book:
        for book in BOOKS:
            if book.id == book_id:
                return book
        raise Refused(404, "Not Found", f"there is no book {book_id!r}")

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """Give the books that match, a page of them at a time, and the way to the next page."""
        limit, after = limit_in(query), after_in(query)
        found = [book for book in BOOKS if matches(book, query)]
        rest = [book for book in found if book.id > after]
        items = rest[:limit]
        onward = query | {"cursor": cursor_after(items[-1])} if len(rest) > limit else None
        return {
            "items": [asdict(book) for book in items],
            "total": len(found),
            "next": f"/books?{urlencode(onward)}" if onward else None,
        }


def limit_in(query: dict[str, str]) -> int:
    text = query.get("limit", "20")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_PAGE):
        raise Refused(400, "Bad Request", f"limit must be from 1 to {LARGEST_PAGE}")
    return int(text)


def after_in(query: dict[str, str]) -> str:
    """Read after which book a page begins."""
    try:
        mark, _, after = urlsafe_b64decode(query.get("cursor", "YWZ0ZXI6")).decode().partition(":")
    except ValueError:
        mark = ""
    if mark != "after":
        raise Refused(400, "Bad Request", "cursor is none that was handed out")
    return after


def cursor_after(book: Book) -> str:
    return urlsafe_b64encode(f"after:{book.id}".encode()).decode()


def matches(book: Book, query: dict[str, str]) -> bool:
    wanted, subject = query.get("q", "").casefold(), query.get("subject")
    is_found = wanted in f"{book.title} {book.author}".casefold()
    return is_found and (subject is None or subject in book.subjects)


class Server(ThreadingHTTPServer):
    """The catalogue behind HTTP, each connection in a thread."""

    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.catalogue = Catalogue()


class Handler(BaseHTTPRequestHandler):
    """Reads requests and writes replies."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        try:
            document = self.document(url.path, dict(parse_qsl(url.query)))
        except Refused as refused:
            self.reply(refused.status, refused.problem, "application/problem+json")
        else:
            self.reply(200, document)

    do_HEAD = do_GET

    def refuse(self) -> None:
        problem = Refused(405, "Method Not Allowed", "the catalogue is for reading").problem
        self.close_connection = True  # what was sent stays unread
        self.reply(405, problem, "application/problem+json")

    do_POST = do_PUT = do_PATCH = do_DELETE = refuse

    def document(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        if path == "/health":
            return {"status": "ok", "version": VERSION}
        if path == "/books":
            return self.server.catalogue.page(query)
        if path.startswith("/books/"):
            return asdict(self.server.catalogue.book(path.removeprefix("/books/")))
        raise Refused(404, "Not Found", "there is nothing here")

    def reply(self, status: int, document: Any, media_type: str = "application/json") -> None:
        """Send JSON, or only that it is still the same (RFC 9110, 13.1.2)."""
        body = json.dumps(document).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if status == 200 and self.headers.get("If-None-Match") == tag:
            status, body = 304, b""
        self.send_response(status)
        if status in (200, 304):
            is_lasting = self.path.startswith("/books")
            self.send_header("ETag", tag)
            self.send_header("Cache-Control", "public, max-age=60" if is_lasting else "no-store")
        if status == 405:
            self.send_header("Allow", "GET, HEAD")
        if status != 304:
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    options = argparse.ArgumentParser(description="A public catalogue of books.")
    options.add_argument("--port", type=int, default=8100, help="0: any that is free")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with Server(options.parse_args().port) as server, suppress(KeyboardInterrupt):
        print(f"ready at http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
