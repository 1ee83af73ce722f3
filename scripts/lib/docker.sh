# shellcheck shell=sh
# Whether Docker can be used, and what to do where it cannot. Sourced.

DOCKER_GUIDE='https://docs.docker.com/engine/install'

# What marks a container of make top: it is none of the project's.
VIEW_LABEL=org.parlab.view
export VIEW_LABEL

# Sets docker_problem and docker_remedy; both empty when labs can run.
find_docker_problem() {
    docker_problem='' docker_remedy=''
    if ! command -v docker >/dev/null 2>&1; then
        docker_problem='there is no Docker: the command docker is not installed'
        docker_remedy="install Docker Engine or Docker Desktop: $DOCKER_GUIDE"
    elif ! docker_answer=$(docker version --format '{{.Server.Version}}' 2>&1); then
        case $docker_answer in
        *'ermission denied'*)
            docker_problem="you may not talk to the Docker daemon (permission denied)"
            docker_remedy="sudo usermod -aG docker $(id -un), then log in again; or use rootless Docker"
            ;;
        *)
            docker_problem='the Docker daemon does not answer'
            docker_remedy='start Docker Desktop, or: sudo systemctl start docker'
            case ${DOCKER_HOST:-} in
            ?*) docker_remedy="$docker_remedy (DOCKER_HOST is $DOCKER_HOST: is that right?)" ;;
            esac
            ;;
        esac
    elif ! docker compose version >/dev/null 2>&1; then
        docker_problem='Docker Compose v2 is missing (docker compose; the old docker-compose is not enough)'
        docker_remedy="install the package docker-compose-plugin, or docker-compose 2 of Debian 13: $DOCKER_GUIDE"
    elif ! docker buildx version >/dev/null 2>&1; then
        docker_problem='buildx is missing: Compose v2 builds images with it'
        docker_remedy="install the package docker-buildx-plugin, or docker-buildx of Debian 13: $DOCKER_GUIDE"
    fi
}

# Ends the script where Docker cannot be used.
need_docker() {
    find_docker_problem
    [ -z "$docker_problem" ] || die "$EXIT_UNAVAILABLE" "$docker_problem" "$docker_remedy"
}

# The ids of this project's containers that also match the docker ps options given.
project_containers() {
    docker ps -q --filter "label=com.docker.compose.project=$PROJECT" "$@"
}

# The user that may write to the results, as numbers. In rootless Docker the
# container's root is the caller.
results_user() {
    # shellcheck disable=SC2012 # the owner's numbers; no other command prints them everywhere
    case $(docker info --format '{{.SecurityOptions}}' 2>/dev/null) in
    *rootless*) echo 0:0 ;;
    *) ls -nd "$RESULTS" | awk '{ print $3 ":" $4 }' ;;
    esac
}

# What a build needs to reach the outside from behind a proxy.
proxy_build_args() {
    for proxy in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        if printenv "$proxy" >/dev/null; then printf -- '--build-arg %s ' "$proxy"; fi
    done
}
