# shellcheck shell=sh
# The table that bench.sh prints, and what it could not measure. Sourced;
# work is bench.sh's scratch folder.
# shellcheck disable=SC2154 # set by bench.sh

# figure NAME VALUE GOAL COMMAND : one row.
# shellcheck disable=SC2016 # the backquotes are Markdown's
figure() { printf '| %s | %s | %s | `%s` |\n' "$1" "$2" "$3" "$4" >>"$work/table"; }

# without WHAT WHY : something that is not measured here.
without() { printf -- '- %s: %s\n' "$1" "$2" >>"$work/left-out"; }

print_table() {
    printf '\n%s\n' "$(machine)"
    printf '\n| Figure | Value | Goal | Command |\n|---|---|---|---|\n'
    cat "$work/table"
    [ ! -s "$work/left-out" ] || {
        printf '\nLeft out:\n\n'
        cat "$work/left-out"
    }
}

machine() {
    model=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
    printf 'Measured %s on %s CPUs (%s), kernel %s; load before: %s.' "$(date -u +%Y-%m-%d)" \
        "$(getconf _NPROCESSORS_ONLN)" "${model:-unknown}" "$(uname -r)" "$load_before"
}

# rows FILE : the rows of a run report, see rows.awk.
rows() { awk -f scripts/bench/rows.awk "$1"; }
