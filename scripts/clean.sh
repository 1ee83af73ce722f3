#!/bin/sh
# Removes what was built: containers, our images, Prometheus' data, Cargo's
# target folder. Keeps results (they are measurements) and base images (they cost a download).
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh
. scripts/lib/lock.sh

need_no_lab 'what was built is needed'
find_docker_problem
if [ -n "$docker_problem" ]; then
    warn "$docker_problem; containers and images are left alone"
else
    sh scripts/down.sh
    images=$(docker image ls --format '{{.Repository}}:{{.Tag}}' "$PROJECT/*")
    # shellcheck disable=SC2086 # one word per image
    [ -z "$images" ] || docker image rm $images >/dev/null
    volumes=$(docker volume ls -q --filter "label=com.docker.compose.project=$PROJECT")
    # shellcheck disable=SC2086 # one word per volume
    [ -z "$volumes" ] || docker volume rm $volumes >/dev/null
    good 'images, what Prometheus kept and what labs stored removed; the cache of the builds goes with: docker builder prune'
fi
rm -rf "$STATE"
if command -v cargo >/dev/null 2>&1; then cargo clean --quiet; fi
good "build products removed; $RESULTS/ and the base images stay"
