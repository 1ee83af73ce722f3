#!/bin/sh
# Lists the saved runs, the newest last: history.sh [LAB]
# LAB is primes or lab-primes; without it, the runs of all labs.
set -eu
cd "$(dirname "$0")/.."
for part in common docker past; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done

[ -d "$RESULTS" ] || die 1 'there is no run yet' 'run a lab first: make lab-primes'
ask_lab history --results "$RESULTS" "$@"
