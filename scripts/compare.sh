#!/bin/sh
# Compares two saved runs row by row. BEFORE and AFTER are run.json files or
# their folders; without them, the newest run and the one of its lab before it.
set -eu
cd "$(dirname "$0")/.."
for part in common docker past; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done

after=${AFTER:-$(saved_runs | tail -n 1)}
[ -n "$after" ] || die 1 'there is no run yet' 'run a lab first: make lab-primes'
after=$(need_run "$after")

# The run of the same lab that stands above this one.
lab=${after#"$RESULTS/"}
lab=${lab%%/*}
before=${BEFORE:-$(saved_runs "$lab" | awk -v after="$after" '$0 == after { print above } { above = $0 }')}
[ -n "$before" ] || die 1 "there is no run of $lab before $after" "run it once more: make $lab"
before=$(need_run "$before")
ask_lab compare "$before" "$after"
