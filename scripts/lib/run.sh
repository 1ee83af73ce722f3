# shellcheck shell=sh
# Runs the runner. Sourced; file is the lab's Compose file.
# shellcheck disable=SC2154 # set by lab.sh

# With a terminal on both ends Compose passes Ctrl-C on to the runner by itself.
run_on_terminal() {
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
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
    stopped='' since=''
    trap 'stop_runner 130' INT
    trap 'stop_runner 143' TERM
    trap 'stop_runner 129' HUP
    # A signal to all of the group ends the follower too, and the runner has
    # still to say what it kept.
    follow_runner || follow_runner --since "${since:-0}"
    code=$(docker wait "$runner")
    docker rm "$runner" >/dev/null
    runner=''
    return "${stopped:-$code}"
}

# Shows what the runner says until it ends; fails when the follower was ended.
follow_runner() {
    docker logs -f "$@" "$runner" &
    logs=$!
    # A trap ends a wait too.
    while :; do
        follow_status=0
        wait "$logs" || follow_status=$?
        kill -0 "$logs" 2>/dev/null || return "$follow_status"
    done
}

# stop_runner STATUS : the runner keeps its whole rounds and ends itself.
stop_runner() {
    stopped=$1 since=$(date +%s)
    docker kill -s INT "$runner" >/dev/null 2>&1 || true
}

run_runner() {
    run_status=0
    if has_terminal; then
        run_on_terminal || run_status=$?
    else
        run_detached || run_status=$?
    fi
    if [ "$run_status" = 137 ]; then
        bad 'the runner was killed from outside (137), perhaps for want of memory: nothing of this run was kept'
        printf '  run again; make doctor tells how much memory is free\n' >&2
    fi
    return "$run_status"
}
