# shellcheck shell=sh
# Base images: those at hand are used, those missing pulled, and where that
# fails stand-ins are offered. Sourced.

# How long a registry may take to answer; the pull itself may take longer.
REGISTRY_SECONDS=20

# The images that the services' Dockerfiles start from.
base_images() {
    sed -n 's/^FROM \([^ ]*\).*/\1/p' services/*/Dockerfile | sort -u
}

# component_images FILE : the images of others that a lab's own services run from.
component_images() {
    sed -n 's/^    image: *\([^ #]*\).*/\1/p' "$1" | grep -v "^$PROJECT/" | sort -u
}

# The images that have to be there before anything is built; with the lab's own
# where file names one.
needed_images() {
    base_images
    [ -z "${file:-}" ] || component_images "$file"
}

image_present() { docker image inspect "$1" >/dev/null 2>&1; }

# pull_image IMAGE [LOG] : docker prints the first line when the registry has
# answered.
pull_image() {
    pull_log=${2:-$STATE/pull.log}
    docker pull "$1" >"$pull_log" 2>&1 </dev/null &
    child=$!
    waited=0
    while kill -0 "$child" 2>/dev/null; do
        if [ ! -s "$pull_log" ] && [ "$waited" -ge "$REGISTRY_SECONDS" ]; then
            kill "$child"
            printf 'no answer from the registry within %s s\n' "$REGISTRY_SECONDS" >"$pull_log"
        fi
        sleep 1
        waited=$((waited + 1))
    done
    pull_status=0
    wait "$child" || pull_status=$?
    child=''
    return "$pull_status"
}

# Makes sure that all base images are there, and those of the lab's components.
ensure_base_images() {
    missing=''
    for image in $(needed_images); do
        image_present "$image" || missing="$missing $image"
    done
    for image in $missing; do
        say "  pulling $image …"
        if pull_image "$image"; then
            good "pulled $image"
        else
            warn "cannot pull $image: $(tail -n 1 "$STATE/pull.log")"
            make_stand_ins
            return
        fi
    done
}

# Stand-ins for all that is missing: one image that cannot be pulled means
# that the others cannot either. A person is asked; CI=true is a yes.
make_stand_ins() {
    reply=n
    if [ "${CI:-}" = true ]; then
        reply=y
    elif has_terminal; then
        printf 'Make local stand-ins from Debian packages (about two minutes, as root)? [y/N] '
        read -r reply || reply=n
    fi
    case $reply in
    [yY]*) ;;
    *)
        die "$EXIT_UNAVAILABLE" 'base images are missing' \
            'come back with a registry in reach, or make them: make offline-images'
        ;;
    esac
    # shellcheck disable=SC2046 # one word per image
    attended sh scripts/offline-images.sh $(needed_images)
}
