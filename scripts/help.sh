#!/bin/sh
# Prints what make can do: help.sh MAKEFILE
# Targets with their `##` comments, labs with the question on top of their file.
set -eu
cd "$(dirname "$0")/.."

line() { printf '  make %-16s %s\n' "$1" "$2"; }

echo 'Parlab: what CPU limits do to parallel work, measured. One lab:'
for file in compose/lab-*.yml; do
    question=$(sed -n 's/^# Question: *//p' "$file")
    line "$(basename "$file" .yml)" "$question"
done
cat <<'END'

  narrowed or changed:  make lab-primes QUICK=1
                        STATION= STRATEGY= WORKERS= KERNEL= LIMIT= ROUNDS=
                        (WORKERS=auto: as many as use all of a station's CPUs)
  where it runs:        in Docker where that answers, else as local processes;
                        LOCAL=1 and DOCKER=1 force one
  who watches:          Prometheus and Grafana, in Docker; NO_OBSERVABILITY=1
                        leaves them out

Around them:
END
sed -n 's/^\([a-z0-9-]*\):.*## /\1 /p' "$1" | while read -r target comment; do
    line "$target" "$comment"
done
