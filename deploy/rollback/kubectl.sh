#!/bin/sh
# Brings a Deployment of Kubernetes back to the image of a version, and waits until it serves.
# NAMESPACE, DEPLOYMENT, CONTAINER, IMAGE (without its tag)
set -eu
kubectl --namespace "${NAMESPACE:?}" set image \
    "deployment/${DEPLOYMENT:?}" "${CONTAINER:?}=${IMAGE:?}:${SMOKEGATE_ROLLBACK_TO:?}"
kubectl --namespace "$NAMESPACE" rollout status "deployment/$DEPLOYMENT" --timeout=240s
