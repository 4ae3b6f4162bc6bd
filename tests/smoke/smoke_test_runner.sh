#!/bin/sh
# Verifies a deployment from a bare machine: needs a POSIX shell and Python 3.11 or later.
#
#   PRODUCTION_URL=https://api.example.com ./tests/smoke/smoke_test_runner.sh [options]
#
# The options are those of `smokegate run`, and so are the exit codes: 0 proceed or monitor,
# 5 monitor with --strict, 10 investigate, 20 roll back, 30 no verdict, 2 wrong use.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
url=${PRODUCTION_URL:-}
SMOKEGATE_RESULTS=${SMOKEGATE_RESULTS:-$here/results}
export SMOKEGATE_RESULTS

stop() {
    echo "smoke_test_runner: $1" >&2
    exit 2
}

step() {
    echo "[$1/4] $2" >&2
}

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    stop "Python 3.11 or later with its venv module is needed (Debian: apt-get install python3-venv)"
}

install() {
    python=$(find_python) || exit 2
    # A checkout brings its own smokegate; suites that were copied elsewhere say where theirs is.
    package=${SMOKE_RUNNER_PACKAGE:-$root/smokegate}
    if [ "$package" = "$root/smokegate" ] && ! [ -f "$package/pyproject.toml" ]; then
        stop "there is no smokegate in $root; set SMOKE_RUNNER_PACKAGE to its folder, wheel or pinned name"
    fi
    step 2 "Python: installing smokegate into $here/.venv" >&2
    "$python" -m venv "$here/.venv" || stop "$python could not make $here/.venv"
    "$here/.venv/bin/python" -m pip install --quiet --disable-pip-version-check "$package" >&2 ||
        stop "$package could not be installed; is there a network?"
}

case $url in
'') step 1 "Target: the one given with --url, or http://localhost:8000" ;;
*[@?]*) stop "PRODUCTION_URL must hold no user name, no password and no '?'" ;;
http://?* | https://?*) step 1 "Target: $url, unless --url says otherwise" ;;
*) stop "PRODUCTION_URL: '$url' must begin with http:// or https://" ;;
esac

if [ -x "$root/.venv/bin/smokegate" ]; then
    smokegate=$root/.venv/bin/smokegate
else
    smokegate=$here/.venv/bin/smokegate
    if ! [ -x "$smokegate" ]; then install; fi
fi
step 2 "Python: $("$(dirname -- "$smokegate")/python" --version)"
step 3 "Suites: $here"
step 4 "Results: $SMOKEGATE_RESULTS, unless --results says otherwise"
# Replacing this shell hands on every signal, and the exit code as it is.
exec "$smokegate" run "$here" "$@"
