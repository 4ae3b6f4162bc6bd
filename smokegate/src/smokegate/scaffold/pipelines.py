"""A job for a pipeline, as docs/ci.md shows it; `OWNER` is where somebody keeps smokegate."""

from __future__ import annotations

from pathlib import PurePosixPath

from smokegate import __version__

_GITHUB = """\
name: verify
on: deployment_status
permissions:
  contents: read
jobs:
  verify:
    if: github.event.deployment_status.state == 'success'
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    concurrency: verify-${{ github.event.deployment.environment }}
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          ref: ${{ github.event.deployment.sha }}
          persist-credentials: false
      - uses: OWNER/smokegate@VERSION
        with:
          url: ${{ github.event.deployment_status.environment_url }}
          environment: ${{ github.event.deployment.environment }}
          # Leave it out where the service does not say which commit it is.
          expect-version: ${{ github.event.deployment.sha }}
"""
_GITLAB = """\
# In .gitlab-ci.yml:  include: [{local: smoke.gitlab-ci.yml}]
include:
  - project: OWNER/smokegate
    ref: VERSION
    file: /deploy/gitlab/smokegate.gitlab-ci.yml

verify:
  extends: .smokegate
  stage: .post
  resource_group: production
  environment:
    name: production
    action: verify
  variables:
    PRODUCTION_URL: "TARGET"
"""
_JENKINS = """\
// The library is OWNER/smokegate with the library path deploy/jenkins/, named smokegate.
@Library('smokegate@VERSION') _
pipeline {
    agent any
    options { disableConcurrentBuilds() }
    stages {
        stage('Verify') {
            steps {
                smokegate url: 'TARGET'
            }
        }
    }
}
"""
_PIPELINES = {
    "github": (PurePosixPath(".github/workflows/verify.yml"), _GITHUB),
    "gitlab": (PurePosixPath("smoke.gitlab-ci.yml"), _GITLAB),
    "jenkins": (PurePosixPath("Jenkinsfile.smoke"), _JENKINS),
}


def job(system: str, url: str) -> tuple[PurePosixPath, str]:
    """Where the job of a system stands, and its text. `url` is a target that was checked."""
    path, text = _PIPELINES[system]
    target = (
        (url or "https://api.example.com")
        .replace("'", "%27")
        .replace('"', "%22")
        .replace("\\", "%5C")
    )
    return path, text.replace("VERSION", f"v{__version__}").replace("TARGET", target)
