#!/bin/sh
# Makes the page of a saved run again and says where it is: report.sh [RUN]
# RUN is a run.json or its folder; without it, the newest whole run.
set -eu
cd "$(dirname "$0")/.."
for part in common docker past; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done

run=${1:-$(whole_runs | tail -n 1)}
[ -n "$run" ] || die 1 'there is no run yet' 'run a lab first: make lab-primes'
run=$(need_run "$run")
ask_lab report "$run"
