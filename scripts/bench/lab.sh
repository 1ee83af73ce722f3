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
        $10 != "null" && (first == "" || $10 < first) { first = $10 }
        END { s = first - began; if (began > 0 && s > 0 && s < 3600) printf "%.0f s", s }')
}

# The first run after a clone. What it removes is made again by any run.
cold_lab() {
    if [ "${COLD:-}" != 1 ]; then
        without 'cold start' 'only with COLD=1, since it empties the build cache of Docker'
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
    unaccounted_of "$RUN"
    rows "$RUN" | awk '$8 != "null"' >"$work/quota-rows"
    while read -r station strategy workers _ _ _ _ fidelity _; do
        goal='0.98 to 1.02'
        [ "$workers" != 1 ] || [ "$station" = primes-fleet ] || goal='0.99 to 1.01'
        figure "quota fidelity, $station, $strategy, $workers" "$(printf '%.4f' "$fidelity")" "$goal" 'make lab-primes'
    done <"$work/quota-rows"
}
