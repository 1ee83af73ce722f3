#!/bin/sh
# Runs one lab in Docker: lab.sh TOPIC
# Images, check of the Compose file, stations, runner. The stations stay up
# afterwards, idle, so that they can be looked at, edited and run again.
set -eu
cd "$(dirname "$0")/.."
for part in common docker images lock stations control run; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done

topic=${1:-}
file=compose/lab-$topic.yml
[ -f "$file" ] || die "$EXIT_USAGE" "there is no lab '$topic'" "there are: $(labs | tr '\n' ' ')"

need_docker "or run the work without Docker: cargo run --release -p $topic -- run --strategy work-stealing"

stations='' control='' runner=''
# shellcheck disable=SC2317 # called by the trap
finish() {
    end_child
    [ -z "$runner" ] || docker rm -f "$runner" >/dev/null 2>&1 || true
    [ -z "$control" ] || kill "$control" 2>/dev/null || true
    free_lock
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

take_lock
prepare_state
ensure_base_images
# By itself and first: it checks the Compose file, and a broken file stops Compose.
phase 'building the runner' build_image lab
check_file
phase 'building the stations' build_stations
clear_leftovers
phase "starting $(printf '%s\n' "$stations" | wc -l | tr -d ' ') stations" start_stations
write_model

serve_control </dev/null >/dev/null 2>&1 &
control=$!
status=0
run_runner || status=$?

cat <<END

The stations are still up. Next:
  make stats            what each uses, beside its limit
  edit $file, then make lab-$topic again
  make down             remove everything
END
exit "$status"
