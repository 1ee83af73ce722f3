#!/bin/sh
# Removes this project's containers and networks, whichever lab made them.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh
. scripts/lib/lock.sh

if holder=$(lock_holder); then
    die "$EXIT_BUSY" "a lab is running here (process $holder): its stations are needed" \
        "wait for it, or stop it with Ctrl-C there; if there is none: rm -r $LOCK"
fi
if ! command -v docker >/dev/null 2>&1; then
    good 'nothing is up: there is no Docker here, and local stations end with their run'
    exit
fi
need_docker
if [ -z "$(project_containers -a)$(docker network ls -q --filter "label=com.docker.compose.project=$PROJECT")" ]; then
    good 'nothing is up'
    exit
fi
# Without a file, so that it works whatever was edited since. The time-out is
# for stations frozen by a lab.
compose --progress quiet down --remove-orphans --timeout 5
good "stations removed; $RESULTS/ stays"
