# shellcheck shell=sh
# What a whole run of the lab shows: how soon the first sample is there, and how
# well the quota model explains each row. Sourced by bench.sh.
# shellcheck disable=SC2154 # set by bench.sh

RUN=results/lab-primes/latest/run.json

# Runs the lab and sets first_sample: seconds until its first sample had ended,
# empty where unknown. The report has that by the monotonic clock, which is the
# uptime unless the machine was asleep in between.
timed_lab() {
    began=$(cut -d ' ' -f 1 /proc/uptime 2>/dev/null || echo 0)
    sh scripts/lab.sh primes >"$work/lab.log" 2>&1 || {
        status=$?
        tail -n 15 "$work/lab.log" >&2
        die "$status" 'the lab failed; the end of what it said stands above'
    }
    first_sample=$(rows "$RUN" | awk -v began="$began" '
        $6 != "null" && (first == "" || $6 < first) { first = $6 }
        END { s = first - began; if (began > 0 && s > 0 && s < 3600) printf "%.0f s", s }')
}

# The first run after a clone. What it removes is made again by any run.
cold_lab() {
    if [ "${COLD:-}" != 1 ]; then
        without 'cold start' 'only with COLD=1, since it empties the build cache of Docker'
        return
    elif [ -n "$docker_problem" ]; then
        without 'cold start' "$docker_problem"
        return
    fi
    say '  cold start: removing images and build cache, then a whole build …'
    compose down --remove-orphans >/dev/null 2>&1
    for image in $(docker images -q 'parlab/*' | sort -u); do
        docker rmi -f "$image" >/dev/null
    done
    docker builder prune -af >/dev/null
    export ROUNDS=1
    timed_lab
    unset ROUNDS
    figure 'cold start to first sample' "${first_sample:-unknown}" '≤ 3 min' 'make lab-primes, nothing built'
}

warm_lab() {
    say '  the whole lab, six rounds …'
    timed_lab
    figure 'warm start to first sample' "${first_sample:-unknown}" '≤ 20 s' 'make lab-primes'
    rows "$RUN" | awk '$4 != "null"' >"$work/quota-rows"
    while read -r station strategy workers fidelity _; do
        goal='0.98 to 1.02'
        [ "$workers" != 1 ] || [ "$station" = primes-fleet ] || goal='0.99 to 1.01'
        figure "quota fidelity, $station, $strategy, $workers" "$(printf '%.4f' "$fidelity")" "$goal" 'make lab-primes'
    done <"$work/quota-rows"
}

# The worst share of worker time that no account explains.
unaccounted() {
    value=$(rows "$RUN" | awk '
        $5 == "null" { next }
        { known++; size = $5 < 0 ? -$5 : $5 }
        size >= worst { worst = size; line = sprintf("%+.2f points (%s, %s, %s)", 100 * $5, $1, $2, $3) }
        END { print known ? line " of " known " rows" : "unknown" }')
    figure 'unaccounted, the worst row' "$value" 'within ± 2 points' 'make lab-primes'
}

# With Docker, and without it on local stations.
measure_lab() {
    cold_lab
    [ -z "$docker_problem" ] || nice cargo build --quiet --release --locked -p lab -p primes </dev/null
    warm_lab
    unaccounted
}
