"""What the API can be asked, as a table: the routes and the description are both made from it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from smokegate.history.digest import CheckDigest, Digest
from smokegate.history.queries import Page, RememberedRun
from smokegate.service.api import answers, types
from smokegate.service.api import gate_answers as gate
from smokegate.service.asked import (
    Deployed,
    Listed,
    Nothing,
    OneCheck,
    OneRun,
    OneVerdict,
    Part,
    Place,
    Window,
)
from smokegate.service.glances import Overview


class Operation(NamedTuple):
    """Something that can be asked; `given` is what its body holds, None where it has none.

    What asks the gate gets the desk and the visitor in place of a question, and is a coroutine.
    `other` is what it replies for another kind of thing.
    """

    method: str
    path: str
    answer: Callable[..., Any]
    asked: type[Any]
    reply: type[Any] | None
    given: type[Any] | None = None
    status: HTTPStatus = HTTPStatus.OK
    asks_gate: bool = False
    other: type[Any] | None = None

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"


_RUN, _LABEL = "/api/runs/{run_id}", "/api/runs/{run_id}/label"
_CHECK = "/api/checks/{check_id}"
OPERATIONS = (
    Operation("GET", "/api/overview", answers.overview, Window, Overview),
    Operation("GET", "/api/runs", answers.runs, Listed, Page),
    Operation(
        "POST",
        "/api/runs",
        gate.ask,
        Nothing,
        gate.Requested,
        gate.RunGiven,
        HTTPStatus.ACCEPTED,
        asks_gate=True,
    ),
    Operation("GET", _RUN, gate.run, OneRun, RememberedRun, asks_gate=True, other=gate.Requested),
    Operation("DELETE", _RUN, gate.cancel, OneRun, gate.Requested, asks_gate=True),
    Operation("GET", f"{_RUN}/verdict", gate.verdict, OneVerdict, gate.Requested, asks_gate=True),
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
