# shellcheck shell=sh
# Parallel efficiency on two CPUs: what two workers gained over one, divided by
# two. Sourced by bench.sh.
# shellcheck disable=SC2154 # set by bench.sh

# Primes below five million: about 0.6 s for two workers, above the 0.3 s from
# which on the goal is to be held.
EFFICIENCY_RUN='--limit 5e6 --workers 2 --format json'

# efficiency WHERE GOAL STRATEGY COMMAND... : measures and adds the row. WHERE
# is shown in front of the arguments, COMMAND is what runs `primes`.
efficiency() {
    where=$1 goal=$2 strategy=$3
    shift 3
    say "  efficiency of $strategy …"
    # shellcheck disable=SC2086 # one word per argument
    "$@" run $EFFICIENCY_RUN --strategy "$strategy" >"$work/run.json" 2>"$work/log" </dev/null || {
        without "efficiency of $strategy" "$(tail -n 1 "$work/log")"
        return
    }
    value=$(rows "$work/run.json" | awk '
        $4 == "true" { cpu = $11 }
        $4 == "false" { efficiency = $7; predicted = $6 }
        END { printf "%.3f (predicted %.3f)", efficiency, cpu / predicted / 2 }')
    figure "parallel efficiency, $strategy, 2 workers on 2 CPUs" "$value" "$goal" \
        "$where run ${EFFICIENCY_RUN% --format json} --strategy $strategy"
    unaccounted_of "$work/run.json"
}

# Both strategies that the goals name, on what COMMAND... runs on.
efficiencies() {
    where=$1
    shift
    efficiency "$where" '≥ 0.97' work-stealing "$@"
    efficiency "$where" 'as predicted' static-threads "$@"
}

# unaccounted_of FILE : remembers the rows for the worst of all.
unaccounted_of() {
    rows "$1" | awk '$9 != "null" { print $9, $1, $2, $3 }' >>"$work/unaccounted"
}

# The worst share of worker time that no account explains.
unaccounted() {
    [ -s "$work/unaccounted" ] || return 0
    value=$(awk '
        { size = $1 < 0 ? -$1 : $1 }
        size >= worst { worst = size; line = sprintf("%+.2f points (%s, %s, %s)", 100 * $1, $2, $3, $4) }
        END { print line " of " NR " rows" }' "$work/unaccounted")
    figure 'unaccounted, the worst row' "$value" 'within ± 2 points' "$1"
}
