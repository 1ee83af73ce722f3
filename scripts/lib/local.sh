# shellcheck shell=sh
# A run without Docker: programs built here, the runner as a plain process that
# starts and ends the stations itself. Sourced; topic and file name the lab.
# shellcheck disable=SC2154 # set by lab.sh

# The services of the lab that are crates here, by the names they are extended
# by; the runner says what is missing beside them.
local_packages() {
    sed -n 's/.*service: *\([a-z-]*\).*/\1/p' "$file" | sort -u | while read -r service; do
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

cargo_build() {
    # shellcheck disable=SC2046 # one word per argument
    cargo build --release --locked -p lab $(local_packages)
}

# On a terminal Cargo shows its own bar.
build_programs() {
    need_rust
    if [ -t 2 ]; then
        attended cargo_build || exit
        good 'programs built'
    else
        phase 'building the programs' attended cargo_build
    fi
}

# On a terminal Ctrl-C reaches the runner by itself, and a second one would end
# it at once; elsewhere only this shell is told, and passes it on.
run_local() {
    set -- "$(built_runner)" run --local \
        --lab "lab-$topic" --compose-dir compose --results "$RESULTS"
    code=0
    if [ -t 0 ]; then
        trap : INT
        "$@" || code=$?
        return "$code"
    fi
    "$@" </dev/null &
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
