# shellcheck shell=sh
# The table of a part, printed and written into docs/performance.md, and what
# could not be measured. Sourced; work is bench.sh's scratch folder.
# shellcheck disable=SC2154 # set by bench.sh

PERFORMANCE=docs/performance.md

begin_table() {
    : >"$work/table"
    : >"$work/left-out"
}

# figure NAME VALUE GOAL COMMAND : one row.
# shellcheck disable=SC2016 # the backquotes are Markdown's
figure() {
    [ -s "$work/table" ] || printf '| Figure | Value | Goal | Command |\n|---|---|---|---|\n' >"$work/table"
    printf '| %s | %s | %s | `%s` |\n' "$1" "$2" "$3" "$4" >>"$work/table"
}

# without WHAT WHY : something that is not measured here.
without() { printf -- '- %s: %s\n' "$1" "$2" >>"$work/left-out"; }

# end_table PART : prints it, and where there are figures replaces those of
# before.
end_table() {
    {
        printf '%s\n\n' "$(machine "$1")"
        cat "$work/table"
        [ ! -s "$work/left-out" ] || {
            [ ! -s "$work/table" ] || printf '\n'
            printf 'Left out:\n\n'
            cat "$work/left-out"
        }
    } >"$work/block"
    printf '\n'
    cat "$work/block"
    printf '\n'
    [ ! -s "$work/table" ] || write_block "$1"
}

# write_block PART : puts the block between the part's two marks.
write_block() {
    awk -v begin="<!-- bench $1: begin -->" -v end="<!-- bench $1: end -->" -v block="$work/block" '
        $0 == end { inside = 0; done++ }
        !inside { print }
        $0 == begin { inside = 1; while ((getline line < block) > 0) print line }
        END { exit inside || done != 1 }' "$PERFORMANCE" >"$work/performance.md" ||
        die 1 "$PERFORMANCE does not have its two marks for $1" \
            "the figures stand above; the marks: <!-- bench $1: begin --> and <!-- bench $1: end -->"
    cat "$work/performance.md" >"$PERFORMANCE"
}

# shellcheck disable=SC2016 # the backquotes are Markdown's
machine() {
    model=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
    printf 'Measured %s by `make bench ONLY=%s` on %s CPUs (%s), kernel %s; load before: %s.' \
        "$(date -u +%Y-%m-%d)" "$1" "$(getconf _NPROCESSORS_ONLN)" "${model:-unknown}" "$(uname -r)" "$load_before"
}

# rows FILE : the rows of a run report, see rows.awk.
rows() { awk -f scripts/bench/rows.awk "$1"; }
