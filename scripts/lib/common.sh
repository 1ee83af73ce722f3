# shellcheck shell=sh
# Where things are, and how the scripts speak. Sourced from the repository's root.

PROJECT=parlab      # the one Compose project of all labs
RESULTS=results     # what runs leave behind
STATE=results/.run  # what a run under way needs: lock, model, control folder
export PROJECT RESULTS STATE

# A person's own settings must not choose other files or services.
unset COMPOSE_FILE COMPOSE_PROFILES COMPOSE_PROJECT_NAME

EXIT_USAGE=64
EXIT_UNAVAILABLE=69
EXIT_BUSY=75
export EXIT_USAGE EXIT_UNAVAILABLE EXIT_BUSY

say() { printf '%s\n' "$*"; }
good() { printf '✓ %s\n' "$*"; }
warn() { printf '! %s\n' "$*" >&2; }
bad() { printf '✗ %s\n' "$*" >&2; }

# die STATUS LINE... : what happened, then indented what to do about it.
die() {
    status=$1
    bad "$2"
    shift 2
    for line; do printf '  %s\n' "$line" >&2; done
    exit "$status"
}

# Whether a person can answer.
has_terminal() { [ -t 0 ] && [ -t 1 ] && [ "${CI:-}" != true ]; }

# All labs, lab-<topic>, one a line.
labs() {
    for lab_file in compose/lab-*.yml; do
        [ -f "$lab_file" ] && basename "$lab_file" .yml
    done
}

compose() { docker compose -p "$PROJECT" "$@"; }

child=''
# attended COMMAND... : a shell runs its traps only once its foreground child
# has ended; waiting for a background child, it runs them at once.
attended() {
    "$@" </dev/null &
    child=$!
    attended_status=0
    wait "$child" || attended_status=$?
    child=''
    return "$attended_status"
}

# Ends what this shell has started; for its traps.
end_child() {
    [ -n "$child" ] || return 0
    kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    child=''
}

# phase TEXT COMMAND... : one line for a step, with the seconds that it takes;
# what the command prints is shown only when it fails, and not where
# explained_by names a function that finds plainer words for the log's file. A
# function called this way runs what takes long by `attended`, so that it can be
# ended.
phase() {
    phase_text=$1
    phase_log=$STATE/phase.log
    phase_began=$(date +%s)
    shift
    (
        child=''
        trap 'end_child; exit 143' TERM
        "$@"
    ) >"$phase_log" 2>&1 </dev/null &
    child=$!
    while kill -0 "$child" 2>/dev/null; do
        [ ! -t 1 ] || printf '\r  %s … %s s' "$phase_text" $(($(date +%s) - phase_began))
        sleep 0.2
    done
    phase_status=0
    wait "$child" || phase_status=$?
    child=''
    [ ! -t 1 ] || printf '\r\033[K'
    if [ "$phase_status" != 0 ]; then
        "${explained_by:-false}" "$phase_log" || {
            bad "$phase_text failed; the end of $phase_log says why:"
            tail -n 25 "$phase_log" | sed 's/^/  /' >&2
        }
        exit "$phase_status"
    fi
    good "$phase_text ($(($(date +%s) - phase_began)) s)"
}
