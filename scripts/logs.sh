#!/bin/sh
# Shows what the stations say: logs.sh [STATION...]
# On a terminal it follows them until Ctrl-C. Where no Docker answers, what the
# local stations of the last run have said.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh

find_docker_problem
if [ -n "$docker_problem" ] && [ -d "$STATE/logs" ]; then
    for log in "$STATE/logs/${1:-}"*.log; do
        [ ! -s "$log" ] || sed "s/^/$(basename "$log" .log) | /" "$log"
    done
    exit
fi
need_docker
trap 'exit 0' INT
if [ -z "$(project_containers -a)" ]; then
    say 'no station is up; start a lab first: make lab-primes'
elif [ -t 1 ]; then
    compose logs --follow --tail 100 "$@"
else
    # Compose erases a line before each, terminal or not.
    erase=$(printf '\033\[2K')
    compose logs --no-color --tail 1000 "$@" | sed "s/$erase//g"
fi
