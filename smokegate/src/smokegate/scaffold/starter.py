"""The checks of a project that nothing describes: they work against most services."""

from __future__ import annotations

from smokegate.scaffold.drafts import HEALTH, WORKFLOWS, Function, check


def health() -> Function:
    """A check that the service is up, at whichever of the usual paths it says so."""
    return check(
        "test_api_server_running",
        "The service answers, at the first of its paths that is there.",
        [
            "for path in self.paths:",
            "    reply = await client.get(path)",
            "    if reply.status != 404:",
            "        break",
            "expect(reply).status(range(200, 400))",
        ],
        marks=(),
        imports={"smokegate": {"Client", "expect"}},
        settings={
            "paths": "# Leave only the path at which your service says that it is well.\n"
            'paths: tuple[str, ...] = ("/health", "/healthz", "/api/health", "/")'
        },
        suite=HEALTH,
    )


def workflow() -> Function:
    """A check that stands where the first workflow will."""
    return check(
        "test_unknown_path",
        "What is not there is no failure of the server.",
        [
            "reply = await client.get(f\"/{client.unique('nothing')}\")",
            "is_in_order = reply.status < 500",
            'expect(reply).that("it is no failure", is_in_order, seen=reply.status)',
        ],
        marks=(),
        imports={"smokegate": {"Client", "expect"}},
        suite=WORKFLOWS,
    )
