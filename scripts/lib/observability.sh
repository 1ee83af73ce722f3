# shellcheck shell=sh
# What watches a lab: which parts of it can be had, on which ports they are, and
# where to look. No part of it may cost a person the lab. Sourced, after docker,
# images, ports and stations.

WATCHERS=compose/observability.yml

# An image that no registry gave is asked for again after a day.
RETRY_MINUTES=1440

# Sets watched: yes, or nothing where NO_OBSERVABILITY=1 leaves it out.
choose_observability() {
    case ${NO_OBSERVABILITY:-0} in
    0) watched=yes ;;
    1) watched='' ;;
    *) die "$EXIT_USAGE" "NO_OBSERVABILITY='$NO_OBSERVABILITY': must be 1 or 0" ;;
    esac
}

# Each service and its image, one a line.
watchers() {
    awk '/^  [a-z-]+:/ { service = $1; sub(/:.*/, "", service) }
        /^    image:/ { print service, $2 }' "$WATCHERS"
}

image_of() { watchers | awk -v service="$1" '$1 == service { print $2 }'; }

# The services whose images are here; the others are for complete_watchers.
watchers_at_hand() {
    watchers | while read -r service image; do
        ! image_present "$image" || printf '%s ' "$service"
    done
}

# The names of those that are images of others and not here.
watchers_to_pull() {
    watchers | while read -r service image; do
        case $image in
        "$PROJECT"/*) ;;
        *) image_present "$image" || printf '%s ' "$service" ;;
        esac
    done
}

# What a registry said that did not give a service's image.
refusal_of() { echo "$STATE/no-image-$1"; }

lately_refused() { [ -n "$(find "$(refusal_of "$1")" -mmin "-$RETRY_MINUTES" 2>/dev/null)" ]; }

# pull_watcher SERVICE : notes where it cannot be had.
pull_watcher() {
    rm -f "$(refusal_of "$1")"
    pull_image "$(image_of "$1")" "$STATE/pull-$1.log" && return
    tail -n 1 "$STATE/pull-$1.log" >"$(refusal_of "$1")"
    return 1
}

# Pulls while the builds go on, which mostly want the CPUs.
begin_pulls() {
    pulls=''
    [ -n "$watched" ] || return 0
    for service in $(watchers_to_pull); do
        lately_refused "$service" || {
            (
                child=''
                trap 'end_child; exit 143' TERM
                pull_watcher "$service"
            ) >/dev/null 2>&1 </dev/null &
            pulls="$pulls $!"
        }
    done
}

# Starts what is at hand, or removes it where it is not wanted, while the
# stations are built.
begin_watchers() {
    : >"$STATE/watchers.said"
    (
        child=''
        trap 'end_child; exit 143' TERM
        if [ -n "$watched" ]; then start_watchers; else remove_watchers; fi
    ) >"$STATE/watchers.log" 2>&1 </dev/null &
    starting=$!
}

# Before the stations start: nothing may pull or start while they are measured.
await_watchers() {
    wait "$starting" || true
    starting=''
    end_watching
    cat "$STATE/watchers.said" >&2
}

# For the script's trap too.
end_watching() {
    # shellcheck disable=SC2086 # one word per process
    [ -z "${pulls:-}${starting:-}" ] || kill ${pulls:-} ${starting:-} 2>/dev/null || true
    pulls='' starting=''
}

# Those at hand in one go; where that fails each by itself, so that one does not
# keep the others down.
start_watchers() {
    choose_ports
    unstarted=0
    at_hand=$(watchers_at_hand)
    # shellcheck disable=SC2086 # one word per service
    up_watchers $at_hand && return
    for service in $at_hand; do
        up_watchers "$service" >"$STATE/watcher.log" 2>&1 || {
            note "$service does not start, and labs go on without it: $(tail -n 1 "$STATE/watcher.log")"
            unstarted=1
        }
    done
    return "$unstarted"
}

up_watchers() {
    before=$(project_containers --filter label=com.docker.compose.service=prometheus)
    attended docker compose -p "$PROJECT" -f "$WATCHERS" up -d --no-build --no-deps "$@" || return
    # One that goes on reads its files again: they may have been edited since.
    [ -z "$before" ] || docker kill -s HUP "$before" >/dev/null || true
}

remove_watchers() {
    containers=''
    for service in $(watchers | cut -d ' ' -f 1); do
        containers="$containers $(project_containers -a --filter "label=com.docker.compose.service=$service")"
    done
    # shellcheck disable=SC2086 # one word per container
    set -- $containers
    [ $# = 0 ] || attended docker rm -f "$@"
}

note() { printf '! %s\n' "$*" >>"$STATE/watchers.said"; }

# Where a port is another program's, or none, the engine chooses one instead.
choose_ports() {
    # shellcheck disable=SC2046 # one word per part
    set -- $(port_uses "$WATCHERS")
    while [ $# -ge 4 ]; do
        wanted=$2
        eval "wanted=\${$1:-$2}"
        if ! is_port "$wanted"; then
            eval "export $1=0"
            note "$1='$wanted' is no port (0 to 65535), so $4 gets one that is free, named at the end"
        elif is_taken "$wanted" && ! is_ours "$wanted"; then
            eval "export $1=0"
            note "port $wanted of this machine is taken, so $4 ($3) gets another one, named at the end"
            note "  choose one yourself: $1=<port> in front of make"
        fi
        shift 4
    done
}

# published_at SERVICE : where it is published, such as 127.0.0.1:9090.
published_at() {
    docker ps --filter "label=com.docker.compose.project=$PROJECT" --filter "label=com.docker.compose.service=$1" \
        --format '{{.Ports}}' | sed -n 's/.*\(127\.0\.0\.1:[0-9]*\)->.*/\1/p'
}

# attempt TEXT COMMAND... : a phase whose failure does not end the script.
attempt() {
    (
        # shellcheck disable=SC2034 # read by end_child
        child=''
        trap end_child EXIT
        trap 'exit 130' INT
        trap 'exit 143' TERM
        phase "$@"
    )
}

# After the run: makes what was not at hand. Before it that would put off the
# first sample, and during it spoil all of them.
complete_watchers() {
    : >"$STATE/watchers.said"
    complete=yes
    for service in $(watchers_to_pull); do
        # What the registry said is told below, in a line.
        # shellcheck disable=SC2034 # read by phase
        explained_by=true
        lately_refused "$service" || attempt "pulling $(image_of "$service")" pull_watcher "$service" || true
        # shellcheck disable=SC2034
        explained_by=''
        complete_one "$service"
    done
    attempt 'building the monitor' build_image metrics || complete=''
    # Which did not start, and why, is told below.
    # shellcheck disable=SC2034
    explained_by=true
    attempt 'starting what watches' start_watchers || complete=''
    # shellcheck disable=SC2034
    explained_by=''
    cat "$STATE/watchers.said" >&2
    [ -n "$complete" ]
}

# complete_one SERVICE : says, once for each refusal, what is left out and how
# to try again; or makes a stand-in.
complete_one() {
    [ -f "$(refusal_of "$1")" ] || return 0
    if [ "$1" = prometheus ] && may_stand_in; then
        attempt 'making Prometheus from Debian packages' attended sh scripts/offline-images.sh "$(image_of "$1")" && return
    fi
    ! grep -qx 'said' "$(refusal_of "$1")" || return 0
    remedy="docker pull $(image_of "$1"), then make observability"
    [ "$1" != prometheus ] || remedy="$remedy; or make a stand-in: make offline-images"
    note "$1 is left out, since its image cannot be had: $(head -n 1 "$(refusal_of "$1")")"
    note "  labs run without it; try again with: $remedy"
    echo said >>"$(refusal_of "$1")"
}

# Whether stand-ins are wanted here: by CI=true, or since others were made.
may_stand_in() {
    [ "${CI:-}" = true ] || [ -n "$(docker image ls -q --filter label=org.parlab.stand-in=true)" ]
}

# Where to look, one a line.
where_to_look() {
    for look in 'grafana Grafana:_dashboards_of_all_stations' 'prometheus Prometheus:_every_figure_of_docs/metrics.md' \
        'metrics the_monitor:_this_machine_and_its_containers'; do
        at=$(published_at "${look%% *}")
        [ -z "$at" ] || printf '  %-21s %s\n' "http://$at" "$(printf '%s' "${look#* }" | tr _ ' ')"
    done
}
