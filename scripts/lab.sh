#!/bin/sh
# Runs one lab: lab.sh TOPIC
# In Docker: images, check of the Compose file, stations, runner. The stations
# stay up afterwards, idle, so that they can be looked at, edited and run again.
# Without Docker: programs and runner, whose child processes the stations are.
set -eu
cd "$(dirname "$0")/.."
for part in common options docker images lock ports stations control run backend local observability; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done

topic=${1:-}
file=compose/lab-$topic.yml
[ -f "$file" ] || die "$EXIT_USAGE" "there is no lab '$topic'" "there are: $(labs | tr '\n' ' ')"

check_options
choose_backend
choose_observability

stations='' control='' runner=''
# shellcheck disable=SC2317 # called by the trap
finish() {
    end_child
    end_watching
    [ -z "$runner" ] || docker rm -f "$runner" >/dev/null 2>&1 || true
    [ -z "$control" ] || kill "$control" 2>/dev/null || true
    free_lock
}
trap finish EXIT
# interrupted STATUS : before the runner has begun; then it has the traps.
# shellcheck disable=SC2317 # called by the traps
interrupted() {
    printf '\n' >&2
    bad "interrupted${phase_text:+ while $phase_text}: nothing was measured"
    exit "$1"
}
trap 'interrupted 129' HUP
trap 'interrupted 130' INT
trap 'interrupted 143' TERM

take_lock
# shellcheck disable=SC2154 # set by choose_backend
if [ "$backend" = local ]; then
    prepare_local
    # Without an answer there is none.
    ! command -v docker >/dev/null 2>&1 || clear_runners 2>/dev/null || true
    build_programs
    status=0
    run_local || status=$?
    case $status in
    # It measured, or began to.
    0 | 1 | 130) printf '\nThe stations have ended. Next: edit %s, then make lab-%s again\n' "$file" "$topic" ;;
    esac
    exit "$status"
fi
prepare_state
prepare_secrets
ensure_base_images
begin_pulls
# By itself and first: it checks the Compose file, and a broken file stops Compose.
phase 'building the runner' build_image lab
check_file
begin_watchers
phase 'building the stations' build_stations
clear_leftovers
await_watchers
explained_by=explain_taken_port
phase "starting $(printf '%s\n' "$stations" | wc -l | tr -d ' ') stations" start_stations
# shellcheck disable=SC2034 # read by phase
explained_by=''
write_model

serve_control </dev/null >/dev/null 2>&1 &
control=$!
status=0
run_runner || status=$?
# What was asked for cannot be: the message that says so is to be the last.
[ "$status" != "$EXIT_USAGE" ] || exit "$status"

# Only who let the lab end has time for more.
# shellcheck disable=SC2154 # set by choose_observability
case $watched$status in
yes0 | yes1) complete_watchers || warn 'the lab itself is not touched by that; try again: make observability' ;;
esac
cat <<END

The stations are still up. Next:
  make top              what each uses of what it is granted, full screen
  make stats            the same in short, beside docker's own figures
END
where_to_look
cat <<END
  edit $file, then make lab-$topic again
  make down             remove everything
END
exit "$status"
