# shellcheck shell=sh
# What watching costs the stations: the same samples with Prometheus and its
# company running, and with them frozen, in turn. Sourced by bench.sh.
# shellcheck disable=SC2154 # set by bench.sh

# Of so many ratios the sixth and the sixth from the end are a 95.9 % interval
# of the median.
PAIRS=20

watcher_containers() {
    for watcher in prometheus grafana metrics lab-state; do
        project_containers --filter "label=com.docker.compose.service=$watcher"
    done
}

# wall_of STATION REPEATS : seconds of one sample, by the station's own clock.
wall_of() {
    get -X POST -H 'Content-Type: application/json' "http://$(address_of "$1"):8080/run" \
        -d '{"limit":2000000,"kernel":"trial","strategy":"work-stealing","workers":2,"repeats":'"$2"',"shard":{"index":0,"count":1}}' |
        tr ',' '\n' | awk -F : '
            /"started_seconds"/ && !began { began = $NF }
            /"ended_seconds"/ && !ended { ended = $NF; sub(/[^0-9.]*$/, "", ended) }
            END { if (!ended) exit 1; print ended - began }'
}

# The sample while they run, or while they stand still.
watched() {
    sleep 1.5
    wall_of "$@"
}
alone() {
    # shellcheck disable=SC2086 # one word per container
    docker pause $containers >/dev/null
    sleep 1.5
    alone_wall=$(wall_of "$@")
    # shellcheck disable=SC2086
    docker unpause $containers >/dev/null
    printf '%s\n' "$alone_wall"
}

# compare_walls STATION REPEATS : pairs, each begun by the other one than the
# pair before, so that a slow minute of the machine hits both.
compare_walls() {
    say "  $1 with and without, $PAIRS times …"
    : >"$work/ratios"
    pair=0
    while [ "$pair" -lt "$PAIRS" ]; do
        if [ $((pair % 2)) = 0 ]; then
            without_wall=$(alone "$@") || true
            with_wall=$(watched "$@") || true
        else
            with_wall=$(watched "$@") || true
            without_wall=$(alone "$@") || true
        fi
        case $with_wall,$without_wall in
        , | ,* | *,) die 1 "$1 did not answer a sample; nothing was written" 'make logs shows what it said' ;;
        esac
        echo "$with_wall $without_wall" | awk '{ print $1 / $2 }' >>"$work/ratios"
        pair=$((pair + 1))
    done
    value=$(sort -n "$work/ratios" | awk '
        { ratio[NR] = $1 }
        END { printf "%.4f (%.4f–%.4f)", (ratio[int((NR + 1) / 2)] + ratio[int(NR / 2) + 1]) / 2, ratio[6], ratio[NR - 5] }')
    figure "$1, two workers: wall watched ÷ alone" "$value" '< 1.01' 'POST /run, docker pause in between'
}

# CPU seconds of a container so far, by its own group, in cgroup v1 or v2.
container_seconds() {
    docker exec "$1" sh -c 'cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || cat /sys/fs/cgroup/cpu.stat' |
        awk 'NF == 1 { print $1 / 1e9 } $1 == "usage_usec" { print $2 / 1e6 }'
}

watchers_cpu() {
    say "  what they use themselves, $IDLE_SECONDS s …"
    for container in $containers; do container_seconds "$container"; done >"$work/cpu-before"
    sleep "$IDLE_SECONDS"
    for container in $containers; do container_seconds "$container"; done >"$work/cpu-after"
    for container in $containers; do
        docker inspect -f '{{index .Config.Labels "com.docker.compose.service"}}' "$container"
    done | paste - "$work/cpu-before" "$work/cpu-after" | awk -v s="$IDLE_SECONDS" -v cpus="$(getconf _NPROCESSORS_ONLN)" '
        { used = ($3 - $2) / s * 100; all += used; each = each sprintf(", %s %.1f", $1, used) }
        END { printf "%.2f %% of the machine (%% of one CPU: %s)\n", all / cpus, substr(each, 3) }' >"$work/cpu"
    figure "what they use, over $IDLE_SECONDS s" "$(cat "$work/cpu")" '< 1 %' 'cpuacct.usage or cpu.stat, twice'
}

measure_observability() {
    if [ -n "$docker_problem" ]; then
        without 'what watching costs' "$docker_problem"
        return
    fi
    export QUICK=1 ROUNDS=1
    timed_lab
    unset QUICK ROUNDS
    containers=$(watcher_containers)
    if [ -z "$(project_containers --filter label=com.docker.compose.service=prometheus)" ]; then
        without 'what watching costs' 'Prometheus is not up: make observability says why'
    elif ! get -o /dev/null "http://$(address_of primes-two):9000/healthz"; then
        without 'what watching costs' 'container addresses cannot be reached from here (Docker Desktop)'
    else
        compare_walls primes-two 3
        compare_walls primes-half 2
        watchers_cpu
    fi
}
