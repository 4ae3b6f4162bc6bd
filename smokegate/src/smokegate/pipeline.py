"""Which version a pipeline deploys: what its system says, or else git.

Where a pipeline runs for a tag, that is the version; otherwise the commit is.
https://docs.github.com/en/actions/reference/workflows-and-actions/variables
https://docs.gitlab.com/ci/variables/predefined_variables/
https://plugins.jenkins.io/git/#plugin-content-environment-variables
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

_GIT_WITHIN_S = 10.0


def deployed_version(environ: Mapping[str, str], folder: Path) -> str:
    """The tag or the commit that is deployed, empty where nothing says it."""
    on_github_tag = environ.get("GITHUB_REF_TYPE") == "tag"
    said = (
        environ.get("GITHUB_REF_NAME", "") if on_github_tag else "",
        environ.get("GITHUB_SHA", ""),
        environ.get("CI_COMMIT_TAG", ""),
        environ.get("CI_COMMIT_SHA", ""),
        environ.get("TAG_NAME", ""),  # of a multibranch pipeline of Jenkins
        environ.get("GIT_COMMIT", ""),
    )
    return next(filter(None, said), "") or _checked_out(folder)


def _checked_out(folder: Path) -> str:
    """The commit of the checkout that a folder is in, empty where there is none or no git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "HEAD"],  # noqa: S607 - the user's own git
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_GIT_WITHIN_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
