# shellcheck shell=sh
# What the stations run in: Docker where it answers, else local processes.
# LOCAL=1 and DOCKER=1 force one. Sourced, after docker.sh.
# shellcheck disable=SC2154 # set by docker.sh

# Sets backend to docker or local, and says which in one line.
choose_backend() {
    case ${LOCAL:-0}${DOCKER:-0} in
    00 | 10 | 01) ;;
    11) die "$EXIT_USAGE" 'LOCAL=1 and DOCKER=1 exclude each other' 'set one of them, or neither' ;;
    *) die "$EXIT_USAGE" "LOCAL='${LOCAL:-}' DOCKER='${DOCKER:-}': must be 1 or 0" ;;
    esac
    if [ "${LOCAL:-0}" = 1 ]; then
        backend=local
        say 'Stations: local processes, as LOCAL=1 asks'
        return
    fi
    find_docker_problem
    if [ -z "$docker_problem" ]; then
        backend=docker
        say 'Stations: containers, since Docker answers (LOCAL=1 for local processes)'
    elif [ "${DOCKER:-0}" = 1 ]; then
        die "$EXIT_UNAVAILABLE" "$docker_problem" "$docker_remedy" "or run it without Docker: LOCAL=1"
    elif [ "$(uname -s)" != Linux ]; then
        die "$EXIT_UNAVAILABLE" "$docker_problem" "$docker_remedy" \
            'without Docker labs run on Linux only: its kernel is what limits the stations'
    else
        # shellcheck disable=SC2034 # read by lab.sh
        backend=local
        say "Stations: local processes, since $docker_problem"
    fi
}
