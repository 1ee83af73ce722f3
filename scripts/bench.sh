#!/bin/sh
# Measures the figures of docs/performance.md and prints them as one Markdown
# table. Wants an otherwise idle machine for about ten minutes.
# COLD=1 also measures the first start: that removes Parlab's images and empties
# the build cache of Docker, whoever filled it.
set -eu
cd "$(dirname "$0")/.."
for part in lib/common lib/docker bench/table bench/efficiency bench/lab bench/station; do
    # shellcheck source=/dev/null
    . "scripts/$part.sh"
done

# A decimal comma would break every figure; narrowed rows would be other ones.
export LC_ALL=C
unset QUICK STATION STRATEGY WORKERS KERNEL LIMIT ROUNDS

work=$(mktemp -d)
load=''
trap 'end_child; [ -z "$load" ] || kill "$load" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
load_before=$(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null || echo unknown)
case $load_before in
0.[0-4]* | unknown) ;;
*) warn "the machine is not idle (load $load_before): the figures will be worse than they are" ;;
esac

in_docker() {
    cold_lab
    warm_lab
    efficiencies 'docker compose -p parlab exec primes-two primes' docker compose -p "$PROJECT" exec -T primes-two primes
    unaccounted 'all of these runs'
    stations
}

# Without containers there is no limit to measure, only the two CPUs.
on_this_machine() {
    without 'starts, quota fidelity, stations' "$docker_problem"
    nice cargo build --quiet --release -p primes
    efficiencies 'cargo run --release -p primes --' cargo run --quiet --release -p primes --
    unaccounted 'all of these runs'
}

say 'Measuring; about ten minutes:'
find_docker_problem
if [ -z "$docker_problem" ]; then in_docker; else on_this_machine; fi
print_table
