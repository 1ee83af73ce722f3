# shellcheck shell=sh
# A run without Docker: programs built here, the runner as a plain process that
# starts and ends the stations itself. Sourced; topic and file name the lab.
# shellcheck disable=SC2154 # set by lab.sh

# local_packages FILE... : the services of these labs that are crates here, by
# the names they are extended by; the runner says what is missing beside them.
local_packages() {
    sed -n 's/.*service: *\([a-z-]*\).*/\1/p' "$@" | sort -u | while read -r service; do
        [ ! -f "services/$service/Cargo.toml" ] || printf -- '-p %s ' "$service"
    done
}

# The folder of a run's state, and that results can be written.
prepare_local() {
    mkdir -p "$STATE" "$RESULTS/lab-$topic" 2>/dev/null ||
        die "$EXIT_UNAVAILABLE" "$STATE/ and $RESULTS/lab-$topic/ cannot be made: is $RESULTS a folder that you can write to?" \
            "sudo chown -R $(id -u):$(id -g) $RESULTS, or move it away"
    for folder in "$STATE" "$RESULTS/lab-$topic"; do
        [ -w "$folder" ] ||
            die "$EXIT_UNAVAILABLE" "you cannot write to $folder/" "sudo chown -R $(id -u):$(id -g) $RESULTS"
    done
}

# Where the runner is once it is built.
built_runner() { echo "${CARGO_TARGET_DIR:-target}/release/lab"; }

need_rust() {
    command -v cargo >/dev/null 2>&1 || die "$EXIT_UNAVAILABLE" 'there is no Rust here to build the programs with: the command cargo is not installed' \
        'install it: https://rustup.rs'
}

# cargo_build FILE... : the runner and the services of these labs in one build,
# since Cargo would compile some crates again for each alone.
cargo_build() {
    # shellcheck disable=SC2046 # one word per argument
    cargo build --release --locked -p lab $(local_packages "$@")
}

# Minutes without a word look like a hang.
announce_build() {
    [ -x "$(built_runner)" ] || say '  building the programs with Cargo, which takes some minutes the first time …'
}

# On a terminal Cargo shows its own bar.
build_programs() {
    need_rust
    announce_build
    if [ -t 2 ]; then
        attended cargo_build "$file" || exit
        good 'programs built'
    else
        phase 'building the programs' attended cargo_build "$file"
    fi
}

# On a terminal Ctrl-C reaches the runner by itself, and a second one would end
# it at once; elsewhere this shell passes on what it is told.
run_local() {
    set -- "$(built_runner)" run --local --script $$ \
        --lab "lab-$topic" --compose-dir compose --results "$RESULTS"
    code=0
    if [ -t 0 ]; then
        trap : INT
        "$@" || code=$?
    else
        run_untended "$@" || code=$?
    fi
    if [ "$code" = 137 ]; then
        bad 'the runner was killed from outside (137), and its stations with it: nothing of this run was kept'
        say '  run again, which also removes the control groups that it left' >&2
    fi
    return "$code"
}

# In a session of its own, where there is the command: what a terminal sends to
# all of a pipe (… | make lab-primes LOCAL=1) must not reach it twice.
run_untended() {
    code=0
    own_session=$(command -v setsid) || own_session=
    $own_session "$@" </dev/null &
    local_runner=$!
    trap 'kill -INT "$local_runner" 2>/dev/null || true' INT TERM HUP
    wait "$local_runner" || code=$?
    # A trap ends a wait; the runner then says its last words and ends itself.
    while kill -0 "$local_runner" 2>/dev/null; do
        code=0
        wait "$local_runner" || code=$?
    done
    return "$code"
}
