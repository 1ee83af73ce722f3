# shellcheck shell=sh
# From a lab's Compose file to running stations. Sourced; file and topic name
# the lab, and check_file sets stations, those that this host can grant, and
# beside, what runs for them without being measured.
# shellcheck disable=SC2154 # both are set by lab.sh

# The folders and the user of a run: who owns the results runs the runner, so
# that they can write there and the files are theirs. In rootless Docker the
# container's root is the caller.
prepare_state() {
    mkdir -p "$STATE" "$RESULTS/lab-$topic" 2>/dev/null ||
        die "$EXIT_UNAVAILABLE" "$STATE/ and $RESULTS/lab-$topic/ cannot be made: is $RESULTS a folder that you can write to?" \
            "sudo chown -R $(id -u):$(id -g) $RESULTS, or move it away"
    PARLAB_USER=$(results_user)
    for folder in "$STATE" "$RESULTS/lab-$topic"; do
        [ -w "$folder" ] ||
            die "$EXIT_UNAVAILABLE" "you cannot write to $folder/" "sudo chown -R $(id -u):$(id -g) $RESULTS"
    done
    # What the last run told of itself stays, for those who watch.
    mkdir -p "$STATE/control"
    rm -f "$STATE"/control/*.request "$STATE"/control/*.answer "$STATE"/control/*.new
    [ "$(id -u)" != 0 ] || chown "$PARLAB_USER" "$STATE" "$STATE/control" "$RESULTS/lab-$topic"
    LAB_ENGINE="Docker $(docker version --format '{{.Server.Version}}')"
    export PARLAB_USER LAB_ENGINE
}

# The secrets that the lab's file names are made once, at random, and stay with
# the volumes of those that were set up with them. The containers have several
# users: so the folder keeps other people out, and not the file's own mode.
prepare_secrets() {
    # shellcheck disable=SC2013 # a path without blanks in each
    for secret in $(sed -n "s|^ *file: *\.\./\($STATE/secrets/[a-z0-9-]*\)$|\1|p" "$file"); do
        [ ! -s "$secret" ] || continue
        mkdir -p "${secret%/*}"
        chmod 700 "${secret%/*}"
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$secret.new"
        chmod 644 "$secret.new"
        mv "$secret.new" "$secret"
        # As root for the user whose runs these are.
        [ "$(id -u)" != 0 ] || chown "$PARLAB_USER" "${secret%/*}" "$secret"
    done
}

# A database from before its secret was made anew, or from another checkout (the
# volume is the project's), takes this one: whoever is inside its container
# needs none.
set_password() {
    printf '%s\n' "$beside" | grep -qx postgres || return 0
    # shellcheck disable=SC2016 # the container's variables
    attended docker compose -p "$PROJECT" -f "$file" exec -T postgres sh -c '
        tries=0
        until pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER"; do
            tries=$((tries + 1))
            [ "$tries" -lt 60 ] || exit 1
            sleep 1
        done
        printf "ALTER ROLE \"%s\" PASSWORD '"'%s'"';\n" "$POSTGRES_USER" "$(cat "$POSTGRES_PASSWORD_FILE")" |
            psql -q -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" "$POSTGRES_DB"'
}

build_image() {
    # shellcheck disable=SC2046 # one word per argument
    attended docker build --progress plain $(proxy_build_args) -t "parlab/$1" -f "services/$1/Dockerfile" .
}

# The images of the lab's stations, each once though several stations share it.
build_stations() {
    for service in $(compose -f "$file" config --images | sed -n 's|^parlab/||p' | sort -u); do
        build_image "$service" || return
    done
}

# The variables that the Compose files mention, in a value or as a name without
# one, as options that pass them on.
mentioned_variables() {
    {
        cat compose/services.yml compose/observability.yml "$file" | tr '$' '\n' | sed -n 's/^{\([A-Za-z_][A-Za-z0-9_]*\).*/\1/p'
        sed -n 's/^ *\([A-Z][A-Z0-9_]*\): *$/\1/p' compose/services.yml "$file"
    } | sort -u | while read -r variable; do printf -- '-e %s ' "$variable"; done
}

# Sets stations; says which cannot run and why, and which option cannot be.
check_file() {
    status=0
    # shellcheck disable=SC2046 # one word per argument
    services=$(docker run --rm --network none --read-only --cap-drop ALL -v "$PWD/compose:/compose:ro" \
        -e LAB_GIVEN $(mentioned_variables) parlab/lab check --compose-dir /compose --lab "$topic" --format services) || status=$?
    [ "$status" != "$EXIT_USAGE" ] || exit "$status"
    [ "$status" = 0 ] || die "$status" "$file cannot run as it stands; nothing was started or changed" \
        "mend what is named above, then make lab-$topic again"
    stations=$(printf '%s\n' "$services" | sed -n 's/^station //p')
    beside=$(printf '%s\n' "$services" | sed -n 's/^beside //p')
    export LAB_STATIONS="$stations"
}

# One-off runners whose script was killed, with all that it started.
clear_runners() {
    for leftover in $(project_containers -a --filter label=com.docker.compose.oneoff=True); do
        docker rm -f "$leftover" >/dev/null
    done
}

# And stations left frozen.
clear_leftovers() {
    clear_runners
    for paused in $(project_containers --filter status=paused); do
        docker unpause "$paused" >/dev/null
    done
}

start_stations() {
    # A station that can no longer be granted must not go on under its old limit.
    for service in $(compose -f "$file" config --services); do
        printf '%s\n' "$stations" "$beside" | grep -qx -e "$service" ||
            attended docker compose -p "$PROJECT" -f "$file" rm -sf "$service"
    done
    # What is beside them first: they would ask for it at once.
    # shellcheck disable=SC2086 # one word per service
    attended docker compose -p "$PROJECT" -f "$file" up -d --no-build --remove-orphans $beside $stations || return
    set_password
}

# The lab as Compose resolved it, for the runner.
write_model() {
    compose -f "$file" --profile run config --format json >"$STATE/model.json"
}
