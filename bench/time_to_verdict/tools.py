"""The tools, each as its own documentation has it run, with a report and without retries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
NODE = BIN.parent / "bench-node"
_PACKAGES = ("newman@6.2.2", "@playwright/test@1.65.1")
# The plugins that happen to be installed here would cost pytest more than it takes itself.
_PYTEST = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
# The other tools have no such things: they wait for nobody and take no sample.
_SMOKEGATE = {"SMOKEGATE_WAIT_S": "0", "SMOKEGATE_SAMPLE_REQUESTS": "0"}


@dataclass(frozen=True)
class Tool:
    """How a tool is started; `missing` says what has to be installed first."""

    name: str
    command: tuple[str, ...]
    missing: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, url: str, ca_file: Path, folder: Path) -> subprocess.Popen[bytes]:
        """Start it against a URL; what it writes goes into a folder."""
        told = {
            "PRODUCTION_URL": url,
            "CA_FILE": str(ca_file),
            "SSL_CERT_FILE": str(ca_file),  # for k6
            "REQUESTS_CA_BUNDLE": str(ca_file),  # which wins over a session's own
            "NODE_EXTRA_CA_CERTS": str(ca_file),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "NODE_PATH": str(NODE / "node_modules"),
            "REPORT": str(folder / "report"),
            "XDG_STATE_HOME": str(folder),
            "SMOKEGATE_RESULTS": str(folder / "results"),
            "SMOKEGATE_CA_FILE": str(ca_file),
        }
        with (folder / "output").open("wb") as output:
            return subprocess.Popen(
                [part.format(folder=folder) for part in self.command],
                cwd=folder,
                env=_clean() | told | self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )


def _clean() -> dict[str, str]:
    """Our environment without what would forbid bytecode or set a tool up."""
    ours = ("PYTHONDONTWRITEBYTECODE", "SMOKEGATE_", "PYTEST_", "GITHUB_", "TEST_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def bare() -> Tool:
    """No tool, but what one in Python cannot beat: the requests without any demand."""
    return Tool("Python, the requests alone", (sys.executable, _in("bare.py")))


def tools() -> list[Tool]:
    """All of them, those that are missing too."""
    return [
        Tool(
            "smokegate",
            (str(BIN / "smokegate"), "run", "--strict", str(HERE / "smokegate")),
            environment=_SMOKEGATE,
        ),
        _pytest("pytest + requests", "requests"),
        _pytest("pytest + httpx, HTTP/2", "httpx2"),
        Tool(
            "k6, a scenario a check",
            (str(BIN / "k6"), "run", "--summary-export", "{folder}/report", _in("k6/checks.js")),
            "" if (BIN / "k6").exists() else "make bench installs it",
        ),
        Tool(
            "Hurl, a file a check",
            ("sh", _in("hurl/run.sh")),
            "" if shutil.which("hurl") else "put it on the PATH (https://hurl.dev)",
        ),
        Tool("newman", ("node", _in("newman/run.js")), _missing_in_node("newman")),
        Tool(
            "Playwright's request API",
            (str(NODE / "node_modules/.bin/playwright"), "test", "--config", _in("playwright")),
            _missing_in_node("@playwright/test"),
        ),
    ]


def _in(place: str) -> str:
    return str(HERE / place)


def _pytest(name: str, library: str) -> Tool:
    runner = (sys.executable, "-m", "pytest")
    folder = HERE / f"pytest_{library.rstrip('2')}"
    return Tool(
        name,
        (*runner, "-c", str(folder / "pytest.ini"), "--junitxml", "{folder}/report", str(folder)),
        "" if find_spec(library) else "make bench installs it",
        _PYTEST,
    )


def install_from_npm() -> None:
    """Install what npm has, once, beside what Python has; without npm it stays missing."""
    npm = shutil.which("npm")
    if npm and _missing_in_node("newman") + _missing_in_node("@playwright/test"):
        NODE.mkdir(exist_ok=True)
        subprocess.run(
            [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", NODE, *_PACKAGES],
            check=False,
        )


def _missing_in_node(package: str) -> str:
    if not shutil.which("node"):
        return "install Node.js with npm"
    return "" if (NODE / "node_modules" / package).exists() else "npm could not install it"
