#!/bin/sh
# Shows what this project's containers use, beside what they may use. On a
# terminal until Ctrl-C, else once.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh

find_docker_problem
[ -z "$docker_problem" ] || die "$EXIT_UNAVAILABLE" "make stats reads containers, and $docker_problem" "$docker_remedy" \
    'local stations are plain processes that end with their run; meanwhile: top'
trap 'exit 0' INT

# Name, quota and cpuset of containers: what `docker stats` leaves out.
limits() {
    docker inspect -f '{{.Name}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpusetCpus}}' "$@" | sed 's|^/||'
}

table() {
    containers=$(project_containers --filter status=running)
    [ -n "$containers" ] || die 1 'no station is up' 'start a lab first: make lab-primes'
    # shellcheck disable=SC2086 # one word per container
    {
        limits $containers
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
        }'
}

if [ -t 1 ]; then
    while :; do
        shown=$(table)
        printf '\033[H\033[2J%s\n\nCtrl-C ends this.\n' "$shown"
        sleep 1
    done
fi
table
