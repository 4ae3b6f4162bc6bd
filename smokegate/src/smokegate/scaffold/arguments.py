"""What `smokegate init` can be told on the command line."""

from __future__ import annotations

from typing import Any

from smokegate.arguments import described

_HELP = """\
Draft smoke suites, settings and a pipeline for a project. From a description of the service it
drafts checks of the critical paths: is it up, is it closed to strangers, can things be made, read
and removed? Nothing that is there is overwritten; a second run adds only what is new.

example:
  smokegate init --url https://api.example.com --ci github
  smokegate init --openapi https://api.example.com/openapi.json
  smokegate init --har checkout.har
"""
_EXITS = "exit codes:\n  0 it drafted, or there is nothing new   2 wrong use, no such source\n"


def add_init(commands: Any) -> None:
    """Add `init` to the commands of a parser."""
    init = commands.add_parser("init", **described(_HELP, "draft suites for a project", _EXITS))
    init.add_argument(
        "directory", nargs="?", default=".", metavar="DIR", help="the project (this folder)"
    )
    source = init.add_mutually_exclusive_group()
    source.add_argument(
        "--openapi", metavar="SOURCE", help="draft from this OpenAPI description, a URL or a file"
    )
    source.add_argument("--har", metavar="FILE", help="draft from what a browser recorded")
    source.add_argument("--postman", metavar="FILE", help="draft from a Postman collection")
    source.add_argument("--http", metavar="FILE", help="draft from a .http, .rest or Hurl file")
    init.add_argument("--url", help="the target, for smokegate.toml")
    init.add_argument("--ca-file", metavar="FILE", help="trust this authority for --openapi URL")
    init.add_argument(
        "--ci", choices=("github", "gitlab", "jenkins"), help="draft a job for this pipeline"
    )
