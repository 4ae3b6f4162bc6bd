"""Everything that is refused, and how: one tree of errors. `problems` puts them on the wire.

ApiError
├── BadRequestError           400
├── UnauthorizedError         401  with WWW-Authenticate
├── ForbiddenError            403
├── NotFoundError             404  also what belongs to another tenant
├── RequestTimeoutError       408
├── ConflictError             409
├── TooLargeError             413
├── InvalidError              422  names the fields
├── TooManyRequestsError      429  with Retry-After
├── UnavailableError          503
└── InsufficientStorageError  507

DatabaseUnusableError         503  whatever a request was about to do
RedisUnusableError                 each process does without it
"""

from collections.abc import Mapping
from http import HTTPStatus

from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException


class ApiError(HTTPException):
    """Something went wrong on our side.

    Its subclasses are refusals, with words for the caller:

    `detail` says what is wrong in one sentence; `members` are further members of the problem.
    """

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(
        self,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(self.status, detail, dict(headers or {}))
        self.members = dict(members or {})


class BadRequestError(ApiError):
    """The request cannot be read."""

    status = HTTPStatus.BAD_REQUEST


class UnauthorizedError(ApiError):
    """The caller is not known (RFC 6750, section 3)."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class ForbiddenError(ApiError):
    """The caller may not do this, or the plan does not include it."""

    status = HTTPStatus.FORBIDDEN


class NotFoundError(ApiError):
    """There is no such thing for this caller."""

    status = HTTPStatus.NOT_FOUND


class ConflictError(ApiError):
    """It contradicts what is there."""

    status = HTTPStatus.CONFLICT


class RequestTimeoutError(ApiError):
    """The body did not come in time."""

    status = HTTPStatus.REQUEST_TIMEOUT

    def __init__(self, timeout_s: float) -> None:
        # What would still come belongs to no request.
        headers = {"Connection": "close"}
        super().__init__(f"The request body was not whole within {timeout_s:g} s.", headers=headers)


class TooLargeError(ApiError):
    """The body is larger than what is taken."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body is larger than {limit_bytes} bytes.")


class InvalidError(ApiError):
    """A value cannot be used.

    `fields` maps each field to what is wrong with it.
    """

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(
            f"Invalid: {', '.join(fields)}.",
            members={
                "errors": [{"field": name, "detail": words} for name, words in fields.items()]
            },
        )


class TooManyRequestsError(ApiError):
    """A rate limit is reached.

    `retry_after_s` says in how many seconds to come back.
    """

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})


class UnavailableError(ApiError):
    """Something that the service needs does not answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE


class InsufficientStorageError(ApiError):
    """The disk of the database is full (RFC 4918, section 11.5)."""

    status = HTTPStatus.INSUFFICIENT_STORAGE

    def __init__(self) -> None:
        super().__init__("The storage of this service is full; the request was not done.")


class DatabaseUnusableError(SQLAlchemyError):
    """The database cannot be used now, through no fault of the statement.

    `state` says it in a word for machines, the text in a sentence for whoever called.
    """

    def __init__(self, state: str, detail: str) -> None:
        super().__init__(detail)
        self.state = state
        self.detail = detail


def database_silent() -> DatabaseUnusableError:
    """Return the error of a database that is stopped, hung or out of connections."""
    return DatabaseUnusableError("disconnected", "The database does not answer.")


def database_read_only() -> DatabaseUnusableError:
    """Return the error of a database that takes no writes."""
    return DatabaseUnusableError("read-only", "The database takes no writes at present.")


class RedisUnusableError(Exception):
    """Redis cannot be used now; `state` and `detail` as those of `DatabaseUnusableError`."""

    def __init__(self, state: str, detail: str) -> None:
        super().__init__(detail)
        self.state = state
        self.detail = detail
