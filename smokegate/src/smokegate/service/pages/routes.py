"""The routes of the pages, and of the forms on them.

All of them lie side by side, so that a link works wherever a proxy puts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from smokegate.history.labels import LABELS, NOTE_CHARS
from smokegate.service.access.sessions import SESSION_S, is_same
from smokegate.service.access.visitors import COOKIE, NOBODY, Visitor
from smokegate.service.api.answers import label
from smokegate.service.asked import Question, form
from smokegate.service.desk import Desk
from smokegate.service.pages import check, environment, login, overview, run, runs
from smokegate.service.pages.frame import Content, framed, style_name, style_sheet
from smokegate.service.pages.login import safe_next

Page = Callable[[Question, Mapping[str, str]], Content]

_FORGED = "This form was not made for you, or before a restart: load its page again, then send it."
_NO_USER = "The proxy in front did not say who you are."
_KEPT_FOR_EVER = "public, max-age=31536000, immutable"


class Pages:
    """Answers browsers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._has_login = bool(desk.doorkeeper.rules.token)

    def routes(self) -> list[Route]:
        """A route for each page and each form."""
        pages: dict[str, Page] = {
            "/": overview.page,
            "/environment": environment.page,
            "/check": check.page,
            "/run": partial(run.page, can_log_in=self._has_login),
            "/runs": runs.page,
        }
        return [
            *(Route(path, partial(self._shown, page)) for path, page in pages.items()),
            Route(f"/{style_name()}", _style),
            Route("/login", self._login_form),
            Route("/login", self._log_in, methods=["POST"]),
            Route("/logout", self._log_out, methods=["POST"]),
            Route("/label", self._label, methods=["POST"]),
        ]

    def html(self, content: Content, visitor: Visitor, status: int = HTTPStatus.OK) -> Response:
        """A page as a reply."""
        return HTMLResponse(framed(content, visitor), status)

    async def _shown(self, page: Page, request: Request) -> Response:
        visitor = self._desk.doorkeeper.visitor(request)
        if not visitor.may_read:
            return self._let_in(request)

        back = login.address(_here(request)) if self._has_login else ""

        def shown(question: Question) -> str:
            return framed(page(question, request.query_params), visitor, back)

        return HTMLResponse(await self._desk.ask(visitor, shown))

    def _let_in(self, request: Request) -> Response:
        """Ask for a login; where a link on another site led here, look again first."""
        if not self._has_login:
            raise HTTPException(HTTPStatus.FORBIDDEN, _NO_USER)
        if request.headers.get("sec-fetch-site") == "cross-site":
            return HTMLResponse(login.passage())
        return _to(login.address(_here(request)))

    async def _login_form(self, request: Request) -> Response:
        self._refuse_without_login()
        content = login.page(request.query_params.get("next", ""))
        return self.html(content, self._desk.doorkeeper.visitor(request))

    async def _log_in(self, request: Request) -> Response:
        self._refuse_without_login()
        fields, to = await form(request), request.query_params.get("next", "")
        try:
            given = fields.get("token", ""), fields.get("name", "")
            cookie = self._desk.doorkeeper.log_in(request, *given)
        except HTTPException as error:
            reply = self.html(login.page(to, error.detail), NOBODY, error.status_code)
            reply.headers.update(error.headers or {})
            return reply
        return _with_session(_to(safe_next(to)), cookie, SESSION_S, request)

    async def _log_out(self, request: Request) -> Response:
        await self._verified_form(request)
        return _with_session(_to("./"), "", 0, request)

    async def _label(self, request: Request) -> Response:
        visitor, fields = await self._verified_form(request)
        words, note = fields.get("label", ""), fields.get("note", "")[:NOTE_CHARS]
        if words not in ("", *LABELS):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "There is no such label.")
        run_id = request.query_params.get("run", "")

        def set_it(question: Question) -> None:
            label(question, run_id, words, note, visitor.name)

        await self._desk.ask(visitor, set_it, writes=True)
        return _to(safe_next(request.query_params.get("next", "")))

    async def _verified_form(self, request: Request) -> tuple[Visitor, dict[str, str]]:
        """Who sent a form and what is in it.

        Raises `HTTPException` for a form that was not on a page that was made for them.
        """
        visitor, fields = self._desk.doorkeeper.visitor(request), await form(request)
        if not is_same(fields.get("form", ""), visitor.form_token):
            raise HTTPException(HTTPStatus.FORBIDDEN, _FORGED)
        return visitor, fields

    def _refuse_without_login(self) -> None:
        if not self._has_login:
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no login here.")


def _here(request: Request) -> str:
    """The page that was asked for, as seen from those beside it."""
    query = f"?{request.url.query}" if request.url.query else ""
    return (request.url.path.rpartition("/")[2] or "./") + query


def _with_session(reply: Response, cookie: str, lasts_s: int, request: Request) -> Response:
    """A reply with a session; without a path, the cookie is for where the pages lie alone."""
    is_secure = request.headers.get("origin", "").startswith("https://")
    reply.set_cookie(
        COOKIE,
        cookie,
        max_age=lasts_s,
        path=None,
        secure=is_secure,
        httponly=True,
        samesite="strict",
    )
    return reply


def _to(address: str) -> Response:
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


async def _style(request: Request) -> Response:
    del request
    kept = {"Cache-Control": _KEPT_FOR_EVER}
    return Response(style_sheet(), media_type="text/css", headers=kept)
