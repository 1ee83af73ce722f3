# shellcheck shell=sh
# What can be said of the options before the runner is built, which takes
# minutes the first time: the nearest misspelt names. The runner checks them all
# again, and all the rest. Sourced; file and topic name the lab.
# shellcheck disable=SC2154 # set by lab.sh

# The variables that a lab is narrowed or changed by, one a line: where the
# runner declares them.
known_variables() {
    sed -n -e '/^pub struct OptionArgs/,/^}/s/.*env = \("[A-Z_]*"\).*/\1/p' \
        -e '/^const OF_THE_SCRIPTS/,/;$/p' services/lab/src/config.rs | tr '"' '\n' | grep -x '[A-Z_]\{2,\}'
}

# The services of the lab's file, one a line; none where it is not laid out as ours.
written_services() {
    awk '/^[a-z]/ { inside = /^services:/ }
        inside && /^  [a-z0-9_-]+:/ { sub(/:.*/, ""); print $1 }' "$file"
}

# misspelt NAME... : the first that is none of the names on standard input, but
# one slip of the finger away from one of them, and that one.
misspelt() {
    awk -v given="$*" '
        # Whether one letter more, less or other makes a into b, or two exchanged.
        function near(a, b) {
            while (a != "" && substr(a, 1, 1) == substr(b, 1, 1)) { a = substr(a, 2); b = substr(b, 2) }
            while (a != "" && substr(a, length(a)) == substr(b, length(b))) {
                a = substr(a, 1, length(a) - 1); b = substr(b, 1, length(b) - 1)
            }
            return (length(a) <= 1 && length(b) <= 1) || (length(a) == 2 && b == substr(a, 2) substr(a, 1, 1))
        }
        { known[$1] }
        END {
            count = split(given, names, " ")
            for (i = 1; i <= count; i++) {
                if (names[i] in known) continue
                for (name in known) if (near(toupper(names[i]), toupper(name))) { print names[i], name; exit }
            }
        }'
}

check_options() {
    # shellcheck disable=SC2046,SC2086 # one word per name
    set -- $(known_variables | misspelt ${LAB_GIVEN:-})
    [ $# = 0 ] || die "$EXIT_USAGE" "$1: there is no such variable; did you mean $2?"
    # shellcheck disable=SC2046 # one word per name
    set -- $(written_services | misspelt $(printf '%s' "${STATION:-}" | tr ',' ' '))
    [ $# = 0 ] || die "$EXIT_USAGE" "STATION=$1: there is no such station; did you mean $2?"
}
