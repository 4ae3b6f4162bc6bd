#!/bin/sh
# Brings a service of a composition back to a version, and waits until it is healthy.
# SERVICE; its image in compose.yaml ends in :${IMAGE_TAG}. COMPOSE_FILE and DOCKER_HOST say where.
set -eu
export IMAGE_TAG="${SMOKEGATE_ROLLBACK_TO:?}"
docker compose up --detach --no-deps --wait --wait-timeout 240 "${SERVICE:?}"
