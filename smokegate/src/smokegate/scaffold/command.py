"""`smokegate init`: a source in, files out, and what was done in words."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from smokegate.errors import UsageError
from smokegate.reports.escaping import one_line
from smokegate.scaffold import sources
from smokegate.scaffold.drafts import Drafts
from smokegate.scaffold.drafts import mark as drafts_mark
from smokegate.scaffold.naming import Names
from smokegate.scaffold.project import Project
from smokegate.scaffold.steps import Scenario
from smokegate.scaffold.workflow import Workflow
from smokegate.settings import Settings, check_url

_SHOWN = 5
_SHOWN_CHARS = 200
_LONGEST_NAME = 80


def run(arguments: argparse.Namespace, settings: Settings, tell: Callable[[str], None]) -> int:
    """Draft what a project does not have yet; give the exit code. Raises `UsageError`."""
    url = check_url(arguments.url, "--url") if arguments.url else ""
    project = Project(Path(arguments.directory))
    drafts, server = _drafted(arguments, settings, project)
    project.add(drafts)
    project.write_settings(url or server, drafts.settings)
    if arguments.ci:
        from smokegate.scaffold import pipelines

        path, text = pipelines.job(arguments.ci, url or server)
        project.write_new(project.folder / path, text, "OWNER is where you keep smokegate")
    _tell(project, drafts, tell)
    return 0


def _drafted(
    arguments: argparse.Namespace, settings: Settings, project: Project
) -> tuple[Drafts, str]:
    """What is drafted from the source that was named, and where that says the service is."""
    if arguments.openapi:
        from smokegate.scaffold.critical import Critical
        from smokegate.scaffold.openapi import Description

        content = sources.read(arguments.openapi, settings)
        described = Description(sources.document(content, arguments.openapi), arguments.openapi)
        critical = Critical(
            described, project.marks, project.taken, may_register=project.may_register
        )
        return critical.drafted(), _origin(described.origin)
    scenarios = _scenarios(arguments, settings)
    found = Drafts()
    names = Names(project.taken)
    for each in scenarios:
        if drafts_mark(each.source) in project.marks:
            continue
        check = Workflow(each, names).drafted(found)
        if check:
            found.checks.append(check)
    return found, ""


def _scenarios(arguments: argparse.Namespace, settings: Settings) -> list[Scenario]:
    """What was recorded or collected in the file that was named; none where none was."""
    where = arguments.har or arguments.postman or arguments.http
    if not where:
        return []
    content, name = sources.read(where, settings), one_line(Path(where).name, _LONGEST_NAME)
    if arguments.har:
        from smokegate.scaffold import har

        return [har.scenario(sources.document(content, where), where, name, arguments.url or "")]
    if arguments.postman:
        from smokegate.scaffold import postman

        return postman.scenarios(sources.document(content, where), where, name)
    from smokegate.scaffold import http_file

    return [http_file.scenario(content, where, name)]


def _origin(server: str) -> str:
    """The origin of a described server, where it can be a target."""
    try:
        parts = urlsplit(server)
        return check_url(f"{parts.scheme}://{parts.netloc}", server)
    except (UsageError, ValueError):
        return ""


def _tell(project: Project, drafts: Drafts, tell: Callable[[str], None]) -> None:
    width = max(len(name) for name, _ in project.told)
    for name, what in project.told:
        tell(f"{name:{width}}  {what}")
    needed = drafts.needed_settings
    if needed:
        tell(f"to be set: {', '.join(f'SMOKEGATE_{name.upper()}' for name in needed)}")
    for reason, those in drafts.left_out.items():
        more = f" and {len(those) - _SHOWN} more" if len(those) > _SHOWN else ""
        shown = one_line(", ".join(those[:_SHOWN]), _SHOWN_CHARS)
        tell(f"left out, because {one_line(reason, _SHOWN_CHARS)}: {shown}{more}")
