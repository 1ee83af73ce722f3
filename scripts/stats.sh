#!/bin/sh
# Shows what the stations use, beside what they may use: those of a local run
# under way, else this project's containers. On a terminal until Ctrl-C, else
# once.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh
. scripts/lib/local.sh

trap 'exit 0' INT

# Name, quota and cpuset of containers: what `docker stats` leaves out.
limits() {
    docker inspect -f '{{.Name}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpusetCpus}}' "$@" | sed 's|^/||'
}

# The local stations of a run under way; fails where there is none. The runner
# is there while one is.
local_table() { "$(built_runner)" stats 2>/dev/null; }

docker_table() {
    containers=$(project_containers --filter status=running)
    [ -n "$containers" ] || die 1 'no station is up' 'start a lab first: make lab-primes' \
        'local stations end with their run: look while it goes on, in a second terminal'
    # shellcheck disable=SC2086 # one word per container
    {
        # One that went meanwhile fails it, and the others are shown.
        limits $containers 2>/dev/null || true
        echo
        docker stats --no-stream --format '{{.Name}}|{{.CPUPerc}}|{{.MemUsage}}|{{.PIDs}}' $containers | sort
    } | awk -v project="$PROJECT-" '
        function row(a, b, c, d, e, f) { printf "%-26s %8s %9s %6s  %-22s %7s\n", a, b, c, d, e, f }
        BEGIN { row("station", "CPU", "quota", "CPUs", "memory", "threads") }
        NF == 0 { used = 1; FS = "|"; next }
        !used { quota[$1] = $2 > 0 ? $2 / 1e7 "%" : "none"; cpuset[$1] = $3 == "" ? "all" : $3; next }
        { name = $1; sub("^" project, "", name); row(name, $2, quota[$1], cpuset[$1], $3, $4) }
        END {
            print "\n100% = one core. docker stats itself never shows the quota: a station at its"
            print "quota stands still for the rest of each 0.1 s, however busy it would like to be."
            print "In how many of these periods it did, and where its time goes: make top"
        }'
}

table() {
    local_table && return
    find_docker_problem
    # shellcheck disable=SC2154 # set by find_docker_problem
    [ -z "$docker_problem" ] || die "$EXIT_UNAVAILABLE" "no local run is under way, and $docker_problem" \
        'start one in another terminal: make lab-primes LOCAL=1' "for stations in Docker, $docker_remedy"
    docker_table
}

if [ -t 1 ]; then
    while :; do
        shown=$(table)
        printf '\033[H\033[2J%s\n\nCtrl-C ends this.\n' "$shown"
        sleep 1
    done
fi
table
