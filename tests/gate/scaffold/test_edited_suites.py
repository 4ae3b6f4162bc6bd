"""Suites that were edited by hand, and then drafted for again: what is added is really run."""

from __future__ import annotations

import ast

import pytest
from smokegate.errors import UsageError

from tests.gate.scaffold.drafting import THINGS, WORKFLOWS, Drafted, described

BASE = '''\
from base import Shop


class TestCriticalWorkflows(Shop):
    """Ours."""

    async def test_ours(self, client) -> None:
        """Ours."""
'''
# Four spaces are the inside of its last check.
NARROW = '''\
from smokegate import WorkflowSuite


class TestCriticalWorkflows(WorkflowSuite):
  async def test_ours(self, client) -> None:
    """Ours."""
'''


def write(project: Drafted, text: str) -> None:
    project.suites.mkdir(parents=True)
    (project.suites / WORKFLOWS).write_text(text)


def test_a_suite_on_a_base_of_its_own_is_not_hidden_by_another(project: Drafted) -> None:
    write(project, BASE)
    project.from_openapi(described(THINGS))
    classes = [
        node for node in ast.parse(project.text(WORKFLOWS)).body if isinstance(node, ast.ClassDef)
    ]
    assert [node.name for node in classes] == ["TestCriticalWorkflows"]
    members = [node.name for node in classes[0].body if isinstance(node, ast.AsyncFunctionDef)]
    assert members == ["test_ours", "test_things_flow"]


def test_no_check_gets_into_another(project: Drafted) -> None:
    write(project, NARROW)
    with pytest.raises(UsageError, match="rewrite it as a block of four spaces"):
        project.from_openapi(described(THINGS))
    assert project.text(WORKFLOWS) == NARROW
