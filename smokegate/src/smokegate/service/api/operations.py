"""What the API can be asked, as a table: the routes and the description are both made from it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from smokegate.history.digest import CheckDigest, Digest
from smokegate.history.queries import Page, RememberedRun
from smokegate.service.api import answers, types
from smokegate.service.asked import (
    Deployed,
    Listed,
    Nothing,
    OneCheck,
    OneRun,
    Part,
    Place,
    Window,
)
from smokegate.service.glances import Overview


class Operation(NamedTuple):
    """Something that can be asked; `given` is what its body holds, None where it has none."""

    method: str
    path: str
    answer: Callable[..., Any]
    asked: type[Any]
    reply: type[Any] | None
    given: type[Any] | None = None
    status: HTTPStatus = HTTPStatus.OK

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"


_RUN, _LABEL = "/api/runs/{run_id}", "/api/runs/{run_id}/label"
_CHECK = "/api/checks/{check_id}"
OPERATIONS = (
    Operation("GET", "/api/overview", answers.overview, Window, Overview),
    Operation("GET", "/api/runs", answers.runs, Listed, Page),
    Operation("GET", _RUN, answers.run, OneRun, RememberedRun),
    Operation("PUT", _LABEL, answers.put_label, OneRun, types.Label, types.LabelGiven),
    Operation("DELETE", _LABEL, answers.delete_label, OneRun, None, status=HTTPStatus.NO_CONTENT),
    Operation("GET", "/api/checks", answers.checks, Part, types.Checks),
    Operation("GET", _CHECK, answers.check, OneCheck, CheckDigest),
    Operation("GET", f"{_CHECK}/results", answers.results, OneCheck, types.Results),
    Operation("GET", "/api/trends", answers.measures, Place, Digest),
    Operation("GET", "/api/deployments", answers.deployments_of, Deployed, types.Deployments),
    Operation(
        "POST",
        "/api/deployments",
        answers.post_deployment,
        Nothing,
        types.Deployment,
        types.DeploymentGiven,
        HTTPStatus.CREATED,
    ),
)
