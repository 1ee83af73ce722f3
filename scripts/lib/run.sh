# shellcheck shell=sh
# Runs the runner. Sourced; file is the lab's Compose file.
# shellcheck disable=SC2154 # set by lab.sh

# With a terminal on both ends Compose passes Ctrl-C on to the runner by itself.
run_on_terminal() {
    compose -f "$file" run --rm --no-deps --quiet-pull lab
}

# Without one, Compose loses the output and the exit code when it is
# interrupted, and leaves the runner measuring. So the runner is on its own and
# we follow it.
run_detached() {
    runner=$(compose -f "$file" run -d -T --no-deps --quiet-pull lab 2>"$STATE/phase.log") || {
        tail -n 5 "$STATE/phase.log" >&2
        return 1
    }
    trap 'stop_runner' INT TERM HUP
    docker logs -f "$runner" &
    logs=$!
    # A trap ends a wait; the runner then says its last words and ends itself.
    until wait "$logs"; do
        kill -0 "$logs" 2>/dev/null || break
    done
    code=$(docker wait "$runner")
    docker rm "$runner" >/dev/null
    runner=''
    return "$code"
}

stop_runner() { docker kill -s INT "$runner" >/dev/null 2>&1 || true; }

run_runner() {
    if has_terminal; then
        run_on_terminal
    else
        run_detached
    fi
}
