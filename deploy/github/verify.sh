#!/usr/bin/env bash
# Verifies, and ends as GitHub reads it: 0 where the workflow goes on, otherwise smokegate's code.
set -euo pipefail
failing=${FAIL_ON//,/ }

error() { echo "::error title=smokegate::$1"; }

for word in $failing; do
    case $word in
    none | monitor | investigate | rollback | inconclusive) ;;
    *)
        error "fail-on: there is no verdict '$word'"
        exit 2
        ;;
    esac
done

results=$(mktemp -d "$RUNNER_TEMP/smokegate-results.XXXXXX")
read -r -d '' -a options <<<"$SUITES" || true # to its end, which may be on another line
options+=(--url "$TARGET" --environment "$ENVIRONMENT")
options+=(--results "$results" --json "$results/run.json")
[[ -z $EXPECT_VERSION ]] || options+=(--expect-version "$EXPECT_VERSION")
[[ -z $BASELINE ]] || options+=(--baseline "$BASELINE")
[[ -z $SAVE_BASELINE ]] || options+=(--save-baseline "$SAVE_BASELINE")
[[ $ACT != true ]] || options+=(--act)
[[ " $failing " != *" monitor "* ]] || options+=(--strict)

# In the background, because a shell that waits for a command in the foreground hands no signal on.
"$RUNNER_TEMP/smokegate/bin/smokegate" run "${options[@]}" &
verifying=$!
trap 'kill -TERM "$verifying"' INT TERM
code=0
wait "$verifying" || code=$?
while kill -0 "$verifying" 2>/dev/null; do # a signal ended the wait, and not smokegate
    code=0
    wait "$verifying" || code=$?
done

{
    echo "exit-code=$code"
    echo "results=$results"
    echo "run-file=$results/run.json"
} >>"$GITHUB_OUTPUT"

case $code in
0) exit 0 ;;
5) verdict=monitor ;;
10) verdict=investigate ;;
20) verdict=rollback ;;
30) verdict=inconclusive ;;
2)
    error "It could not begin; why stands above."
    exit 2
    ;;
*)
    error "It ended with $code, which is no verdict."
    exit "$code"
    ;;
esac
if [[ " $failing " == *" $verdict "* ]]; then exit "$code"; fi
echo "::warning title=smokegate::The verdict is $verdict; fail-on lets the workflow go on."
