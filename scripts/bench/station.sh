# shellcheck shell=sh
# What a station costs while it idles, and how soon it answers while it works.
# Sourced by bench.sh.
# shellcheck disable=SC2154 # set by bench.sh

# One health check a minute belongs to an idle station, so a minute it is.
IDLE_SECONDS=60
LATENCY_REQUESTS=50

address_of() {
    docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(compose ps -q "$1")"
}

get() { curl -s --max-time 10 "$@"; }

# CPU seconds that the station's control group has used, as the kernel counts
# them; the request itself costs about a millisecond.
usage_seconds() {
    get "http://$1:9000/budget" | sed -n 's/.*"usage_seconds":\([0-9.]*\).*/\1/p'
}

idle_station() {
    say "  an idle station, $IDLE_SECONDS s …"
    before=$(usage_seconds "$1")
    sleep "$IDLE_SECONDS"
    after=$(usage_seconds "$1")
    value=$(awk -v a="$before" -v b="$after" -v s="$IDLE_SECONDS" 'BEGIN { printf "%.2f %% of a CPU", (b - a) / s * 100 }')
    figure "idle station, CPU over $IDLE_SECONDS s" "$value" '≤ 0.3 %' 'cpuacct.usage or cpu.stat, twice'
    # Of the service's own process; docker-init beside it has no shared part with it.
    rss_kib=$(compose exec -T primes-two sh -c "grep -h -A 30 '^Name:.primes$' /proc/[0-9]*/status" </dev/null |
        awk '/^VmRSS:/ { print $2; exit }')
    figure 'idle station, resident memory' "$(awk -v k="$rss_kib" 'BEGIN { printf "%.1f MiB", k / 1024 }')" \
        '≤ 20 MiB' 'VmRSS in /proc/<pid>/status'
}

is_running() { get "http://$1:8080/run" | grep -q '"progress":[0-9]'; }

# Requests leave at moments spread evenly over the quota's period: after an
# answer, which often comes at a refill, the next would otherwise find the
# station running each time.
latency_under_load() {
    say '  admin answers of a station at 0.5 CPU under full load …'
    curl -s -o /dev/null -H 'content-type: application/json' \
        -d '{"limit": 2000000, "workers": 2, "repeats": 10000}' "http://$1:8080/run" &
    load=$!
    sleep 2
    request=0
    while is_running "$1" && [ "$request" -lt "$LATENCY_REQUESTS" ]; do
        sleep "0.$(printf '%03d' $((request * 37 % 100)))"
        get -o /dev/null -w '%{time_total}\n' "http://$1:9000/healthz"
        request=$((request + 1))
    done >"$work/latencies"
    # A client that goes away cancels its run.
    kill "$load" 2>/dev/null || true
    load=''
    if [ "$request" -lt "$LATENCY_REQUESTS" ]; then
        without 'admin answers under load' 'the load ended early'
        return
    fi
    value=$(sort -n "$work/latencies" | awk '
        { v[NR] = $1 * 1000 }
        END { printf "median %.0f ms, max %.0f ms", v[int((NR + 1) / 2)], v[NR] }')
    figure "admin answers at 0.5 CPU under full load, $LATENCY_REQUESTS requests" "$value" '< 250 ms' 'GET /healthz, port 9000 of primes-half'
}

# The stations that the last run of the lab left up.
measure_station() {
    if [ -n "$docker_problem" ]; then
        without 'idle station, admin answers' "$docker_problem"
    elif ! command -v curl >/dev/null 2>&1; then
        without 'idle station, admin answers' 'curl is not installed'
    elif [ -z "$(compose ps -q primes-two)" ]; then
        without 'idle station, admin answers' 'the stations are not up (ONLY=lab,station starts them)'
    elif ! get -o /dev/null "http://$(address_of primes-two):9000/healthz"; then
        without 'idle station, admin answers' 'container addresses cannot be reached from here (Docker Desktop)'
    else
        idle_station "$(address_of primes-two)"
        latency_under_load "$(address_of primes-half)"
    fi
}
