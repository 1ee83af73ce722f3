# shellcheck shell=sh
# The checks of the doctor. Sourced; a check that rules labs out sets broken.
# shellcheck disable=SC2154 # what the other parts set

GIB=1073741824

fail() {
    printf '✗ %s\n' "$1"
    # shellcheck disable=SC2034 # read by doctor.sh
    broken=yes
}
caution() { printf '! %s\n' "$1"; }

info() { docker info --format "{{.$1}}" 2>/dev/null; }

check_docker() {
    find_docker_problem
    if [ -n "$docker_problem" ]; then
        fail "$docker_problem: $docker_remedy"
        return
    fi
    good "Docker Engine $(docker version --format '{{.Server.Version}}') answers ($(info OperatingSystem))"
    good "Compose $(docker compose version --short)"
    good "buildx $(docker buildx version | awk '{ print $2 }')"
}

check_host() {
    cpus=$(info NCPU)
    if [ "$cpus" -ge 2 ]; then
        good "$cpus CPUs"
    else
        caution "$cpus CPU: stations above it are left out, and two workers cannot run at once"
    fi
    if [ "$(info CPUCfsQuota)" = true ] && [ "$(info CPUSet)" = true ]; then
        good "cgroup v$(info CgroupVersion), with CPU quotas and cpusets"
    else
        fail "cgroup v$(info CgroupVersion) here cannot limit CPUs: delegate the cpu and cpuset controllers to rootless Docker, or use the normal one"
    fi
    memory=$(info MemTotal)
    if [ "$memory" -ge $((2 * GIB)) ]; then
        good "$((memory / GIB)) GiB of memory"
    else
        caution "$((memory / 1048576)) MiB of memory: building the images wants 2 GiB; give Docker more"
    fi
}

# Where Docker keeps images; in a virtual machine that folder is not here.
check_disk() {
    folder=$(info DockerRootDir)
    [ -d "$folder" ] || folder=.
    free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1048576) }')
    if [ "$free" -ge 5 ]; then
        good "$free GiB of disk free"
    else
        caution "$free GiB of disk free: images and their build take about 4; docker system prune frees some"
    fi
}

check_base_images() {
    mkdir -p "$STATE"
    for image in $(base_images); do
        if [ "$(docker image inspect -f '{{index .Config.Labels "org.parlab.stand-in"}}' "$image" 2>/dev/null)" = true ]; then
            good "$image is present (a stand-in made here)"
        elif image_present "$image"; then
            good "$image is present"
        elif answers_in_time docker manifest inspect "$image"; then
            good "$image is missing; it can be pulled, and a lab does so"
        elif [ "$(id -u)" = 0 ] && sh scripts/apt-mirror.sh >/dev/null; then
            caution "$image is missing and no registry answers: make offline-images"
        else
            fail "$image is missing and no registry answers: connect once, or as root on Debian: make offline-images"
        fi
    done
}

# answers_in_time COMMAND... : whether it succeeds before a registry counts as silent.
answers_in_time() {
    "$@" >/dev/null 2>&1 </dev/null &
    child=$!
    waited=0
    while kill -0 "$child" 2>/dev/null; do
        [ "$waited" -lt "$REGISTRY_SECONDS" ] || kill "$child" 2>/dev/null || true
        sleep 1
        waited=$((waited + 1))
    done
    answered=0
    wait "$child" || answered=$?
    child=''
    return "$answered"
}
