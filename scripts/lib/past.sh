# shellcheck shell=sh
# Saved runs: which they are, and what the runner says of them. Sourced.
# shellcheck disable=SC2154 # docker_problem is set by find_docker_problem

# The saved runs of a lab, or of all, oldest first: saved_runs [LAB]
# A folder is named by the time of its run, in UTC.
saved_runs() {
    # shellcheck disable=SC2231 # the pattern must be one
    for saved_run in "$RESULTS"/${1:-lab-*}/[0-9]*/run.json; do
        [ ! -f "$saved_run" ] || printf '%s\n' "$saved_run"
    done | sort -t / -k 3
}

# The newest whole run of a lab, or of each, oldest first: where its `latest`
# points. A run that was cut short has a folder and is not that: whole_runs [LAB]
whole_runs() {
    # shellcheck disable=SC2231 # the pattern must be one
    for whole_run in "$RESULTS"/${1:-lab-*}/latest; do
        [ ! -f "$whole_run/run.json" ] || printf '%s/%s/run.json\n' "${whole_run%/latest}" "$(readlink "$whole_run")"
    done | sort -t / -k 3
}

# need_run FILE : ends the script where FILE is none below the results. Prints
# it relative to the checkout; of a folder, the run in it.
need_run() {
    need_file=${1#"$PWD/"}
    need_file=${need_file#./}
    [ ! -d "$need_file" ] || need_file=${need_file%/}/run.json
    case $need_file in
    *..* | /*) ;;
    "$RESULTS"/*)
        if [ -f "$need_file" ]; then
            printf '%s\n' "$need_file"
            return
        fi
        ;;
    esac
    die "$EXIT_USAGE" "$1 is no run saved here" "one is a run.json below $RESULTS/, or its folder; these are there: make history" \
        'of a file from elsewhere: cargo run --release -p lab -- report FILE'
}

# ask_lab ARGUMENT... : lets the runner speak of saved runs, in its image where
# there is one, else built here. Paths are relative to the checkout in both.
ask_lab() {
    find_docker_problem
    if [ -z "$docker_problem" ] && docker image inspect parlab/lab >/dev/null 2>&1; then
        lab_in_image "$@"
    elif command -v cargo >/dev/null 2>&1; then
        cargo run --quiet --release -p lab -- "$@"
    else
        die "$EXIT_UNAVAILABLE" 'there is neither an image of the runner nor a Rust toolchain to build it' \
            'run a lab, which makes the image: make lab-primes' \
            'or install Rust: https://rustup.rs'
    fi
}

lab_in_image() {
    terminal=''
    ! has_terminal || terminal=-t
    image_status=0
    # shellcheck disable=SC2086 # no word where there is no terminal
    docker run --rm $terminal --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
        --user "$(results_user)" -e COLUMNS -e NO_COLOR -w / -v "$PWD/$RESULTS:/$RESULTS" \
        parlab/lab "$@" || image_status=$?
    if [ "$image_status" = "$EXIT_USAGE" ]; then
        bad "the image parlab/lab may be older than this checkout: the next run of a lab builds it anew"
    fi
    return "$image_status"
}
