#!/usr/bin/env bash
# Installs smokegate in the versions that the lock file of this commit names, once for each job.
set -euo pipefail
uv_version=0.13.9
export UV_PROJECT_ENVIRONMENT=$RUNNER_TEMP/smokegate
export UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
if [[ -x $UV_PROJECT_ENVIRONMENT/bin/smokegate ]]; then exit 0; fi
"$PYTHON" -m venv "$RUNNER_TEMP/smokegate-uv"
"$RUNNER_TEMP/smokegate-uv/bin/pip" install --quiet --disable-pip-version-check "uv==$uv_version"
"$RUNNER_TEMP/smokegate-uv/bin/uv" sync --project "$GITHUB_ACTION_PATH" --python "$PYTHON" \
    --package smokegate --extra postgres --extra otel --locked --no-dev --no-editable --quiet
