#!/bin/sh
# Removes this project's containers and networks, whichever lab made them.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh
. scripts/lib/lock.sh

need_no_lab 'its stations are needed'
if ! command -v docker >/dev/null 2>&1; then
    good 'nothing is up: there is no Docker here, and local stations end with their run'
    exit
fi
need_docker
if [ -z "$(project_containers -a)$(docker network ls -q --filter "label=com.docker.compose.project=$PROJECT")" ]; then
    good 'nothing is up'
    exit
fi
# A view is on the stations' network, which could not be removed then. Stopped,
# it leaves its terminal clean; killed, it would not.
views=$(docker ps -q --filter "label=$VIEW_LABEL")
# shellcheck disable=SC2086 # one word per container
[ -z "$views" ] || docker stop -t 5 $views >/dev/null
# Without a file, so that it works whatever was edited since. The time-out is
# for stations frozen by a lab.
compose --progress quiet down --remove-orphans --timeout 5
good "stations and what watches them removed; $RESULTS/ and what Prometheus kept stay"
