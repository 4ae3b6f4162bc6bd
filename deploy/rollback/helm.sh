#!/bin/sh
# Brings a release of Helm back to the last revision of a version that was deployed well.
# NAMESPACE, RELEASE; HELM_REVISION where the pipeline noted it before it deployed, which it must
# where the chart's appVersion is not the version of the service. Needs jq.
set -eu
revision=${HELM_REVISION:-$(
    helm history "${RELEASE:?}" --namespace "${NAMESPACE:?}" --output json |
        jq --raw-output --arg version "${SMOKEGATE_ROLLBACK_TO:?}" '
            def plain: ltrimstr("v");
            map(select(.status == "superseded" and (.app_version | plain) == ($version | plain)))
            | last | .revision // empty'
)}
if [ -z "$revision" ]; then
    echo "No revision of $RELEASE was deployed well with version $SMOKEGATE_ROLLBACK_TO." >&2
    exit 1
fi
helm rollback "${RELEASE:?}" "$revision" --namespace "${NAMESPACE:?}" --wait --timeout 240s
