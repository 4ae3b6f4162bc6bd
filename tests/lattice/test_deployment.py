"""What `deploy/lattice/` holds: a chart without logic, and files that name what there is."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from lattice.database import EVERY_TENANT, Database
from lattice.schema import HEAD
from lattice.settings import Settings
from sqlalchemy import text

from tests.gate.history.postgres import binaries, postgres

DEPLOY = Path(__file__).parents[2] / "deploy/lattice"
CHART = DEPLOY / "chart"
TEMPLATES = sorted(CHART.glob("templates/**/*.yaml"))
KUBERNETES = "1.33"
PLACE = re.compile(r"\{\{ \.([\w.]+) \}\}")
OWNER_PASSWORD, SERVICE_PASSWORD = "the owner's \\ one", "the service's $one"


@pytest.fixture(scope="module")
def built_in() -> dict[str, Any]:
    """What templates may name."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    known = {"Release.Name": "lattice", "Chart.AppVersion": chart["appVersion"]}
    for name, value in values.items():
        nested = value if isinstance(value, dict) else {"": value}
        known |= {f"Values.{name}.{key}".rstrip("."): each for key, each in nested.items()}
    return known


@pytest.mark.parametrize("template", TEMPLATES, ids=[each.stem for each in TEMPLATES])
def test_a_template_is_what_kubernetes_takes(template: Path, built_in: dict[str, Any]) -> None:
    """The templates are filled in and nothing else, so this does what Helm does."""
    rendered = PLACE.sub(lambda place: str(built_in[place[1]]), template.read_text())
    assert "{{" not in rendered
    kubernetes_validate.validate(yaml.safe_load(rendered), KUBERNETES, strict=True)


def test_every_value_is_used(built_in: dict[str, Any]) -> None:
    named = {name for each in TEMPLATES for name in PLACE.findall(each.read_text())}
    assert named == set(built_in)


@pytest.mark.parametrize("file", ["compose.yaml", "chart/templates/deployment.yaml"])
def test_the_variables_are_settings(file: str) -> None:
    passwords = {"OWNER_PASSWORD", "SERVICE_PASSWORD"}
    named = set(re.findall(r"\bLATTICE_(\w+)", (DEPLOY / file).read_text())) - passwords
    assert named <= {name.upper() for name in Settings.model_fields}


def test_every_variable_of_the_composition_is_in_the_example() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?\}", (DEPLOY / "compose.yaml").read_text()))
    given = set(re.findall(r"^(\w+)=$", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert needed == given


@pytest.fixture
def first_start(tmp_path: Path) -> Iterator[str]:
    """A server on which the script of the first start has run."""
    with postgres(tmp_path) as url:
        environment = {
            **os.environ,
            "PATH": f"{binaries()}{os.pathsep}{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": url.rpartition(":")[2],
            "POSTGRES_USER": "postgres",
            "LATTICE_OWNER_PASSWORD": OWNER_PASSWORD,
            "LATTICE_SERVICE_PASSWORD": SERVICE_PASSWORD,
        }
        subprocess.run([DEPLOY / "roles.sh"], env=environment, check=True, capture_output=True)
        yield url


def test_its_roles_migrate_and_serve(first_start: str) -> None:
    owner, service = (
        first_start.replace("postgres@", f"lattice_{role}@", 1) + "/lattice"
        for role in ("owner", "service")
    )

    async def migrate_and_read() -> None:
        owners, services = Database(owner), Database(service, HEAD)
        try:
            assert await owners.migrate() == ""
            async with services.reading(EVERY_TENANT) as connection:
                assert await connection.scalar(text("SELECT count(*) FROM tenants")) == 0
        finally:
            await owners.close()
            await services.close()

    asyncio.run(migrate_and_read())
