# shellcheck shell=sh
# One run at a time on a machine: two would measure each other, and all clones
# share one Compose project. Sourced.

LOCK=${TMPDIR:-/tmp}/parlab.lock

take_lock() {
    if ! mkdir "$LOCK" 2>/dev/null; then
        holder=$(cat "$LOCK/pid" 2>/dev/null || echo 0)
        # ps, since kill -0 also fails for another user's process.
        if [ "$holder" = 0 ] || ps -p "$holder" >/dev/null 2>&1; then
            die "$EXIT_BUSY" "another lab is running here (process $holder): two would spoil each other's figures" \
                "wait for it, or stop it with Ctrl-C there; if there is none: rm -r $LOCK"
        fi
        # Left over by a run that was killed.
        rm -rf "$LOCK"
        mkdir "$LOCK" || die "$EXIT_BUSY" "cannot take the lock $LOCK"
    fi
    echo $$ >"$LOCK/pid"
    locked=yes
}

free_lock() { [ -z "${locked:-}" ] || rm -rf "$LOCK"; }
