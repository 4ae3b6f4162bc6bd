"""Can readers find what they look for?"""

from __future__ import annotations

from asyncio import gather
from urllib.parse import quote

from msgspec import Struct

from smokegate import ROLLBACK, Client, Reply, WorkflowSuite, consequence, expect


class Book(Struct, frozen=True):
    """A book as the catalogue gives it; no member may be missing or null."""

    id: str
    title: str
    author: str
    year: int
    subjects: list[str]


class Page(Struct):
    """Some of the books that were found, and where there are more."""

    items: list[Book]
    total: int
    next: str | None


WHALE = Book(
    "moby-dick", "Moby-Dick; or, The Whale", "Herman Melville", 1851, subjects=["sea", "travel"]
)
MOST_PAGES = 100


class TestWorkflows(WorkflowSuite):
    """The share that passed decides, except where the books themselves are wrong."""

    @consequence(ROLLBACK)
    async def test_well_known_book(self, client: Client) -> None:
        """A book that everybody knows is described as it should be."""
        reply = await client.get("/books/moby-dick")
        expect(reply).status(200)
        book = reply.read(Book)
        expect(reply).that("it is as it should be", book == WHALE, seen=book)

    async def test_all_pages(self, client: Client) -> None:
        """Who turns every page sees every book once, in order."""
        pages = await _turn(client, "/books?limit=4")
        ids = [book.id for reply in pages for book in _page(reply).items]
        last = expect(pages[-1])
        last.that("each book comes once, in order", ids == sorted(set(ids)), seen=ids)
        last.json("total", equals=len(ids))
        sizes = [len(_page(reply).items) for reply in pages]
        last.that("only the last is not full", set(sizes[:-1]) == {4} and sizes[-1] > 0, seen=sizes)

    async def test_listed_as_described(self, client: Client) -> None:
        """A book is the same in a list as by itself."""
        listed = _page(await client.get("/books?limit=5")).items
        replies = await gather(*(client.get(f"/books/{quote(book.id)}") for book in listed))
        for book, reply in zip(listed, replies, strict=True):
            expect(reply).status(200)
            alone = reply.read(Book)
            expect(reply).that("it is the same", alone == book, seen=f"{alone}, not {book}")

    async def test_subjects(self, client: Client) -> None:
        """A subject shows its books and no others, on every page."""
        pages = await _turn(client, "/books?subject=sea&limit=2")
        books = [book for reply in pages for book in _page(reply).items]
        found = expect(pages[-1]).json("total", equals=len(books))
        found.that("the whale is among them", WHALE in books, seen=books)
        found.that("there is more than one page", len(pages) > 1, seen=len(pages))
        others = [book.id for book in books if "sea" not in book.subjects]
        found.that("all are of the subject", not others, seen=others)

    async def test_last_page(self, client: Client) -> None:
        """There is a next page as long as one book is left, and none after the last."""
        total = _page(await client.get("/books?subject=sea")).total
        all_of_them, all_but_one = await gather(
            client.get(f"/books?subject=sea&limit={total}"),
            client.get(f"/books?subject=sea&limit={total - 1}"),
        )
        expect(all_of_them).status(200).json("next", equals=None)
        onward = _page(all_but_one).next
        expect(all_but_one).that("there is one more", onward is not None)

    async def test_search(self, client: Client) -> None:
        """A word of a title or a name finds the book, in capitals or not, in any script."""
        wanted = {
            "WHALE": "moby-dick",
            "melville": "moby-dick",
            "tragödie": "faust",
            "夏目": "kokoro",
        }
        replies = await gather(*(client.get(f"/books?q={quote(word)}") for word in wanted))
        for (word, book_id), reply in zip(wanted.items(), replies, strict=True):
            ids = [book.id for book in _page(reply).items]
            expect(reply).that(f"{word} finds {book_id}", book_id in ids, seen=ids)

    async def test_nothing_found(self, client: Client) -> None:
        """Where nothing is found, an empty page says so."""
        word = client.unique("nothing")
        for reply in await gather(
            client.get(f"/books?q={word}"), client.get(f"/books?subject={word}")
        ):
            page = _page(reply)
            expect(reply).that("it is empty", not page.items, seen=page.items)
            expect(reply).json("total", equals=0).json("next", equals=None)

    async def test_revalidation(self, client: Client) -> None:
        """Who has the book already does not get it again; who has another one does."""
        first = await client.get("/books/emma")
        tag = first.header("ETag") or ""
        expect(first).status(200).that("it has a tag", tag.strip('W/"') != "", seen=tag)
        same, stale = await gather(
            client.get("/books/emma", headers={"If-None-Match": tag}),
            client.get("/books/emma", headers={"If-None-Match": f'"{client.unique("old")}"'}),
        )
        expect(same).status(304).header("ETag", equals=tag)
        expect(same).that("it is not sent again", not same.body, seen=f"{len(same.body)} bytes")
        expect(stale).status(200)
        expect(stale).that("it is sent", stale.body == first.body, seen=stale.text)


def _page(reply: Reply) -> Page:
    expect(reply).status(200)
    return reply.read(Page)


async def _turn(client: Client, path: str) -> list[Reply]:
    """Turn pages until there are no more."""
    pages = [await client.get(path)]
    while (onward := _page(pages[-1]).next) is not None:
        more = expect(pages[-1])
        more.that("the next page is one of books", onward.startswith("/books?"), seen=onward)
        more.that("the pages come to an end", len(pages) < MOST_PAGES, seen=len(pages))
        pages.append(await client.get(onward))
    return pages
