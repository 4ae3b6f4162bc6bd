#!/bin/sh
# Stops the deployment of AWS CodeDeploy that is under way, and waits for the one that undoes it.
# APPLICATION, DEPLOYMENT_GROUP. A deployment that has ended cannot be stopped: verify before that.
set -eu
deployment=$(aws deploy list-deployments --application-name "${APPLICATION:?}" \
    --deployment-group-name "${DEPLOYMENT_GROUP:?}" --include-only-statuses InProgress Ready \
    --query 'deployments[0]' --output text)
if [ "$deployment" = None ]; then
    echo "No deployment of $APPLICATION to $DEPLOYMENT_GROUP is under way." >&2
    exit 1
fi
aws deploy stop-deployment --deployment-id "$deployment" --auto-rollback-enabled
undoing=None
while [ "$undoing" = None ]; do # smokegate ends it after rollback_timeout_s
    sleep 2
    undoing=$(aws deploy get-deployment --deployment-id "$deployment" \
        --query deploymentInfo.rollbackInfo.rollbackDeploymentId --output text)
done
aws deploy wait deployment-successful --deployment-id "$undoing"
