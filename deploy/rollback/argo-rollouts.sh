#!/bin/sh
# Stops a Rollout that is under way, and makes the version before the wanted one again: an aborted
# Rollout serves it already, and stays degraded until it is wanted as well.
# NAMESPACE, ROLLOUT, CONTAINER, IMAGE (without its tag). Needs the plugin kubectl-argo-rollouts.
set -eu
phase=$(kubectl --namespace "${NAMESPACE:?}" get "rollout/${ROLLOUT:?}" \
    --output 'jsonpath={.status.phase}')
case $phase in
Progressing | Paused) kubectl argo rollouts --namespace "$NAMESPACE" abort "$ROLLOUT" ;;
esac
kubectl argo rollouts --namespace "$NAMESPACE" set image \
    "$ROLLOUT" "${CONTAINER:?}=${IMAGE:?}:${SMOKEGATE_ROLLBACK_TO:?}"
kubectl argo rollouts --namespace "$NAMESPACE" status "$ROLLOUT" --timeout 240s
