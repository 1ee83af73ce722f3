#!/bin/sh
# Measures the figures of docs/performance.md, prints them and writes them there.
# Wants an otherwise idle machine for about half an hour.
# ONLY=peers,sieve measures these parts alone; docs/performance.md names them.
# COLD=1 also measures the first start: that removes Parlab's images and empties
# the build cache of Docker, whoever filled it.
set -eu
cd "$(dirname "$0")/.."
for part in lib/common lib/docker bench/table bench/lab bench/station bench/ratios bench/origin bench/observability; do
    # shellcheck source=/dev/null
    . "scripts/$part.sh"
done

# Each is a function, too, and a table in docs/performance.md.
PARTS='lab station peers parallel sieve overhead scraper pipeline load origin cluster observability'

# A decimal comma would break every figure; narrowed rows would be other ones.
export LC_ALL=C
unset QUICK STATION STRATEGY WORKERS KERNEL LIMIT ROUNDS

chosen=$(printf '%s' "${ONLY:-$PARTS}" | tr ',' ' ')
for part in $chosen; do
    case " $PARTS " in
    *" $part "*) ;;
    *) die "$EXIT_USAGE" "there is no part '$part' of make bench" "parts: $PARTS" ;;
    esac
done

work=$(mktemp -d)
load=''
# shellcheck disable=SC2034 # of scripts/bench/ratios.sh
database=''
trap 'end_child; stop_database; [ -z "$load" ] || kill "$load" 2>/dev/null || true; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
load_before=$(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null || echo unknown)
case $load_before in
0.[0-4]* | unknown) ;;
*) warn "the machine is not idle (load $load_before): the figures will be worse than they are" ;;
esac

find_docker_problem
for part in $chosen; do
    say "Measuring: $part"
    begin_table
    "measure_$part"
    end_table "$part"
done
