# shellcheck shell=sh
# How many pages the origin serves on one CPU, and how exact its latency is.
# Sourced by bench.sh.
# shellcheck disable=SC2034,SC2154 # load is what bench.sh ends when it is interrupted; work is its own

ORIGIN_SECONDS=5

# start_origin OPTION... : on the first CPU; sets origin_pid and origin.
start_origin() {
    rm -f "$work/origin"
    taskset -c 0 "${CARGO_TARGET_DIR:-target}/release/origin" serve \
        --port 0 --admin-port 0 "$@" >"$work/origin" 2>/dev/null &
    origin_pid=$!
    load=$origin_pid
    until grep -qs api "$work/origin"; do
        kill -0 "$origin_pid" || die 1 'the origin does not start' 'its own words: cargo run --release -p origin -- serve'
        sleep 0.1
    done
    origin=$(sed 's/.*"api":"\([^"]*\)".*/\1/' "$work/origin")
}

end_origin() {
    kill "$origin_pid"
    wait "$origin_pid" || true
    load=''
}

# ask CONNECTIONS SECONDS : wrk on the other CPU, over all pages in turn.
ask() {
    taskset -c 1 wrk -t 1 -c "$1" -d "$2" --latency -s "$work/pages.lua" "http://$origin"
}

# CPU time in ticks of a hundredth of a second.
origin_ticks() { awk '{ print $14 + $15 }' "/proc/$origin_pid/stat"; }

pages_per_second() {
    say '  pages a second …'
    start_origin
    ask 64 1 >/dev/null
    before=$(origin_ticks)
    ask 64 "$ORIGIN_SECONDS" >"$work/wrk"
    after=$(origin_ticks)
    end_origin
    value=$(awk -v ticks=$((after - before)) -v hertz="$(getconf CLK_TCK)" '
        /requests in/ { requests = $1 }
        /Requests\/sec/ { rate = $2 }
        END { printf "%d, %.1f µs of CPU each", rate, ticks / hertz / requests * 1e6 }' "$work/wrk")
    figure 'the origin: pages of 4 KiB a second, one CPU, no latency, 64 connections' "$value" '≥ 20000' 'wrk -t 1 -c 64'
}

exactness() {
    for connections in 64 256 1000; do
        say "  latency at $connections requests at once …"
        start_origin --latency 100ms
        ask "$connections" "$ORIGIN_SECONDS" >"$work/wrk"
        end_origin
        value=$(awk '$1 == "50%" { half = $2 } $1 == "99%" { most = $2 } END { print "median " half ", 99 % within " most }' "$work/wrk")
        figure "the origin: answers after 100 ms, $connections at once" "$value" 'median ≤ 105 ms' "wrk -t 1 -c $connections, --latency 100ms"
    done
}

measure_origin() {
    for tool in wrk taskset; do
        command -v "$tool" >/dev/null 2>&1 || {
            without 'the origin' "$tool is not installed"
            return
        }
    done
    if [ "$(getconf _NPROCESSORS_ONLN)" -lt 2 ]; then
        without 'the origin' 'it wants a CPU for itself and one for who asks'
        return
    fi
    cargo build --release --locked -p origin
    cat >"$work/pages.lua" <<'LUA'
local page = 0
request = function()
  page = page % 1000 + 1
  return wrk.format("GET", "/page/" .. page)
end
LUA
    pages_per_second
    exactness
}
