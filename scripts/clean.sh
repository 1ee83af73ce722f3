#!/bin/sh
# Removes what was built: containers, our images, Cargo's target folder. Keeps
# results (they are measurements) and base images (they cost a download).
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh

find_docker_problem
if [ -n "$docker_problem" ]; then
    warn "$docker_problem; containers and images are left alone"
else
    sh scripts/down.sh
    images=$(docker image ls --format '{{.Repository}}:{{.Tag}}' "$PROJECT/*")
    # shellcheck disable=SC2086 # one word per image
    [ -z "$images" ] || docker image rm $images >/dev/null
    good 'images removed; the cache of the builds goes with: docker builder prune'
fi
rm -rf "$STATE"
if command -v cargo >/dev/null 2>&1; then cargo clean --quiet; fi
good "build products removed; $RESULTS/ and the base images stay"
