#!/bin/sh
# Shows what the stations use right now, full screen until q: top.sh [OPTION...]
# The local stations of a run under way; else this project's containers, asked
# from a container beside them, since not every machine reaches theirs. LOCAL=1
# and DOCKER=1 force one. Without a terminal: one frame as text.
set -eu
cd "$(dirname "$0")/.."
for part in common docker images stations local; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done

trap 'end_child' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run_goes_on BACKEND : whether a run does there, as its runner tells. One that
# has told nothing for two minutes was killed.
run_goes_on() {
    now=$STATE/control/now.json
    [ -f "$now" ] && grep -Eq "\"backend\": *\"$1\"" "$now" && grep -Eq '"ended_seconds": *null' "$now" &&
        [ -n "$(find "$now" -mmin -3)" ]
}

# must_build BACKEND COMMAND... : fails where COMMAND finds it built and a run
# goes on: that is not disturbed then, even if what there is may be older.
must_build() {
    run_goes_on "$1" || return 0
    shift
    ! "$@" || return 1
    warn 'building lab-top first, which takes CPU time from the run under way: its figures will show that'
}

is_built() { [ -x "$program" ]; }

top_local() {
    program=$(dirname "$(built_runner)")/lab-top
    if must_build local is_built; then
        need_rust
        mkdir -p "$STATE"
        phase 'building lab-top' attended cargo build --release --locked -p top
    fi
    exec "$program" "$@"
}

# The services that are up and stand in a lab's own file: not what watches them,
# nor what runs beside them.
stations_up() {
    known=$(awk '
        /^x-parlab:/ {
            count = split($0, words, /[^a-z0-9_-]+/)
            for (i = 1; i <= count; i++) beside[words[i]]
        }
        /^[a-z]/ { inside = /^services:/ }
        inside && /^  [a-z0-9_-]+:/ { sub(/:.*/, ""); sub(/^ */, ""); if (!($0 in beside)) print }' compose/lab-*.yml)
    docker ps --filter "label=com.docker.compose.project=$PROJECT" --filter label=com.docker.compose.oneoff=False \
        --format '{{.Label "com.docker.compose.service"}}' | sort -u | grep -Fx -e "$known"
}

find_stations() {
    stations=$(stations_up) || die 1 'no station is up' 'start a lab first: make lab-primes' \
        'local stations end with their run: look while it goes on, in a second terminal'
}

top_docker() {
    find_docker_problem
    # shellcheck disable=SC2154 # set by find_docker_problem
    [ -z "$docker_problem" ] || die "$EXIT_UNAVAILABLE" "no local run is under way, and $docker_problem" \
        'start one in another terminal: make lab-primes LOCAL=1' "for stations in Docker, $docker_remedy"
    find_stations
    mkdir -p "$STATE"
    if must_build docker image_present parlab/top; then
        ensure_base_images
        phase 'building lab-top' build_image top
        # They may have been taken down meanwhile.
        find_stations
    fi
    terminal=''
    [ ! -t 0 ] || [ ! -t 1 ] || terminal=-it
    # The view gets it too, and ends by it.
    trap : INT
    # Low shares: where CPUs are short, the stations go first.
    # shellcheck disable=SC2086 # no word where there is no terminal
    docker run --rm --init $terminal --name "$PROJECT-top-$$" --label "$VIEW_LABEL=top" --network "${PROJECT}_default" \
        --cpu-shares 64 --memory 64m --read-only --cap-drop ALL --security-opt no-new-privileges \
        --user "$(results_user)" -v "$PWD/$STATE:/run/parlab:ro" \
        -e LAB_STATIONS="$stations" -e NO_COLOR -e COLUMNS parlab/top "$@"
}

case " $* " in
*' --json '* | *' --once '*) ;;
*) { [ -t 0 ] && [ -t 1 ]; } || set -- "$@" --once ;;
esac
case ${LOCAL:-0}${DOCKER:-0} in
10) top_local "$@" ;;
01) top_docker "$@" ;;
00) if run_goes_on local; then top_local "$@"; else top_docker "$@"; fi ;;
*) die "$EXIT_USAGE" "LOCAL='${LOCAL:-}' DOCKER='${DOCKER:-}': one may be 1" 'set one of them, or neither' ;;
esac
