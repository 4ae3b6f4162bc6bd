import pytest
from lattice.problems import problem

from lattice import errors

TREE = [
    (errors.BadRequestError("no"), 400),
    (errors.UnauthorizedError("no"), 401),
    (errors.ForbiddenError("no"), 403),
    (errors.NotFoundError("no"), 404),
    (errors.RequestTimeoutError(7), 408),
    (errors.ConflictError("no"), 409),
    (errors.TooLargeError(7), 413),
    (errors.InvalidError({"name": "no"}), 422),
    (errors.TooManyRequestsError("no", retry_after_s=7), 429),
    (errors.UnavailableError("no"), 503),
    (errors.InsufficientStorageError(), 507),
]


@pytest.mark.parametrize(("error", "status"), TREE, ids=str)
def test_each_error_has_its_status_and_its_words(error: errors.ApiError, status: int) -> None:
    reply = problem(error)
    assert reply.status_code == status
    assert reply.media_type == "application/problem+json"


def test_every_error_is_in_the_drawing_and_tried_here() -> None:
    drawn = errors.__doc__ or ""
    for error in errors.ApiError.__subclasses__():
        assert f"{error.__name__} " in drawn
        assert str(error.status.value) in drawn
    assert {type(error) for error, _ in TREE} >= set(errors.ApiError.__subclasses__())


def test_what_a_client_needs_to_go_on_is_in_the_headers() -> None:
    assert problem(errors.UnauthorizedError("no")).headers["www-authenticate"] == "Bearer"
    waits = problem(errors.TooManyRequestsError("no", retry_after_s=7))
    assert waits.headers["retry-after"] == "7"


def test_members_of_its_own_stand_beside_the_usual_ones() -> None:
    body = bytes(problem(errors.UnavailableError("no", members={"database": "gone"})).body)
    assert b'"database":"gone"' in body
    assert b'"detail":"no"' in body
