#!/bin/sh
# The tests of the repository and those that run labs; those in Docker are left
# out, said so, where it does not answer. PARLAB_REQUIRE_DOCKER=1 makes
# that a failure.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh
. scripts/lib/images.sh

trap 'end_child' EXIT
trap 'exit 130' INT

find_docker_problem
if [ -z "$docker_problem" ]; then
    mkdir -p "$STATE"
    # A test cannot be asked whether stand-ins may be made.
    CI=true ensure_base_images
elif [ -n "${PARLAB_REQUIRE_DOCKER:-}" ]; then
    die "$EXIT_UNAVAILABLE" "$docker_problem" "$docker_remedy"
fi
cargo test -p e2e
if [ -n "$docker_problem" ]; then
    warn "left out: all tests that run labs in Docker, since $docker_problem"
    say "  $docker_remedy"
fi
