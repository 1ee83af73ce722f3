#!/bin/sh
# Shows what the stations say: logs.sh [STATION...]
# On a terminal it follows them until Ctrl-C. Where no Docker answers, what the
# local stations of the last run have said.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh

# What local stations have said; each replica has a file, <station>-<number>.log.
local_logs() {
    known='' others=''
    for log in "$STATE"/logs/*.log; do
        replica=$(basename "$log" .log)
        if [ -z "${1:-}" ] || [ "${replica%-*}" = "$1" ]; then
            known=yes
            [ ! -s "$log" ] || sed "s/^/$replica | /" "$log"
        fi
        others="$others ${replica%-*}"
    done
    # shellcheck disable=SC2086 # one word per station
    [ -n "$known" ] || die "$EXIT_USAGE" "the last run had no local station '$1'" \
        "it had: $(printf '%s\n' $others | sort -u | tr '\n' ' ')"
}

find_docker_problem
if [ -n "$docker_problem" ]; then
    [ -d "$STATE/logs" ] || die 1 "no local station has run yet, and $docker_problem" 'run a lab first: make lab-primes'
    local_logs "$@"
    exit
fi
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
