#!/bin/sh
# Compares two runs row by row. With LAB, a lab is run in Docker and then as
# local processes, narrowed as any run can be, and these two are compared.
# Without it saved ones are: BEFORE and AFTER are run.json files or their
# folders, or else the newest whole run and the one of its lab before it.
set -eu
cd "$(dirname "$0")/.."
for part in common docker past; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done

# run_lab VARIABLE... : on a terminal Ctrl-C reaches the run by itself.
run_lab() {
    if [ -t 0 ]; then
        env "$@" sh scripts/lab.sh "$topic"
    else
        attended env "$@" sh scripts/lab.sh "$topic"
    fi
}

# newest_after RUN : the run that has been saved since, of the same lab.
newest_after() {
    newest=$(whole_runs "lab-$topic")
    [ "$newest" != "$1" ] || die 1 'the run was not saved: there is nothing to compare'
    printf '%s\n' "$newest"
}

# Sets before and after: the lab in Docker, and without.
run_both() {
    topic=${LAB#lab-}
    [ -z "${BEFORE:-}${AFTER:-}" ] || die "$EXIT_USAGE" 'LAB runs a lab twice, BEFORE and AFTER are runs that were saved' \
        "make compare LAB=$topic, or make compare BEFORE=… AFTER=…"
    [ -f "compose/lab-$topic.yml" ] || die "$EXIT_USAGE" "there is no lab '$topic'" "there are: $(labs | tr '\n' ' ')"
    [ "$(uname -s)" = Linux ] || die "$EXIT_UNAVAILABLE" 'local stations need Linux: its kernel is what limits them'
    find_docker_problem
    # shellcheck disable=SC2154 # set by find_docker_problem
    [ -z "$docker_problem" ] || die "$EXIT_UNAVAILABLE" "LAB=$topic compares Docker with local processes, and $docker_problem" \
        "$docker_remedy" 'saved runs can be compared without it: make compare'
    trap 'end_child; exit 130' INT
    trap 'end_child; exit 143' TERM HUP

    last=$(whole_runs "lab-$topic")
    run_lab DOCKER=1 LOCAL=0 || exit
    before=$(newest_after "$last")
    # Idle containers still have health checks.
    sh scripts/down.sh
    run_lab DOCKER=0 LOCAL=1 || exit
    after=$(newest_after "$before")
    echo
}

# Sets before and after: what was asked for, else the newest two.
choose_saved() {
    after=${AFTER:-$(whole_runs | tail -n 1)}
    [ -n "$after" ] || die 1 'there is no run yet' 'run a lab first: make lab-primes'
    after=$(need_run "$after")
    # The run of the same lab that stands above this one.
    lab=${after#"$RESULTS/"}
    lab=${lab%%/*}
    before=${BEFORE:-$(saved_runs "$lab" | awk -v after="$after" '$0 == after { print above } { above = $0 }')}
    [ -n "$before" ] || die 1 "there is no run of $lab before $after" "run it once more: make $lab"
    before=$(need_run "$before")
}

if [ -n "${LAB:-}" ]; then
    run_both
else
    choose_saved
fi
ask_lab compare "$before" "$after"
