#!/bin/sh
# Shows what the stations say: logs.sh [STATION...]
# On a terminal it follows them until Ctrl-C.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh

need_docker "(there are no containers to read)"
trap 'exit 0' INT
if [ -z "$(project_containers -a)" ]; then
    say 'no station is up; start a lab first: make lab-primes'
elif [ -t 1 ]; then
    compose logs --follow --tail 100 "$@"
else
    compose logs --tail 1000 "$@"
fi
