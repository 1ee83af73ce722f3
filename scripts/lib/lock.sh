# shellcheck shell=sh
# One run at a time on a machine: two would measure each other, and all clones
# share one Compose project. Sourced.

# Not in TMPDIR, which each user may have for themselves. A local runner that
# was called by hand looks at it too.
LOCK=/tmp/parlab.lock

# The process that has the lock, 0 where it has not said yet; fails where
# nobody has it.
lock_holder() {
    [ -d "$LOCK" ] || return
    holder=$(cat "$LOCK/pid" 2>/dev/null || echo 0)
    # ps, since kill -0 also fails for another user's process.
    [ "$holder" = 0 ] || ps -p "$holder" >/dev/null 2>&1 || return
    echo "$holder"
}

# need_no_lab WHY : ends the script where a lab runs.
need_no_lab() {
    ! holder=$(lock_holder) || die "$EXIT_BUSY" "a lab is running here (process $holder): $1" \
        "wait for it, or stop it with Ctrl-C there; if there is none: rm -r $LOCK"
}

# Whether a local runner measures that no living script stands for: it holds an
# abstract socket of this name. One that a script called ends with it.
lone_runner() { grep -q '@parlab-run/lab-local$' /proc/net/unix 2>/dev/null; }

take_lock() {
    if ! mkdir "$LOCK" 2>/dev/null; then
        if holder=$(lock_holder); then
            die "$EXIT_BUSY" "another lab is running here (process $holder): two would spoil each other's figures" \
                "wait for it, or stop it with Ctrl-C there; if there is none: rm -r $LOCK"
        fi
        # Left over by a run that was killed.
        if ! { rm -rf "$LOCK" && mkdir "$LOCK"; } 2>/dev/null; then
            die "$EXIT_BUSY" "a run that was killed left the lock $LOCK, and it is another user's" \
                "have it removed: sudo rm -r $LOCK"
        fi
    fi
    echo $$ >"$LOCK/pid"
    locked=yes
    ! lone_runner || die "$EXIT_BUSY" "another lab is running here (lab run --local): two would spoil each other's figures" \
        'wait for it, or stop it with Ctrl-C there'
}

free_lock() { [ -z "${locked:-}" ] || rm -rf "$LOCK"; }
