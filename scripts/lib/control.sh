# shellcheck shell=sh
# What the runner may have done to stations from outside. It writes
# `<id>.request` (one line: verb, station, number) into the control folder; the
# answer, `ok` or `error: …`, is `<id>.answer`. Sourced; file and stations are
# the lab's Compose file and the names that may be acted on.
# shellcheck disable=SC2153,SC2154 # set by lab.sh and its other parts

CONTROL=$STATE/control

# Answers requests until it is killed, or the script ($$, also in a background
# shell) is gone; then it ends what that has left. Once a second: more often
# would show up in the figures.
serve_control() {
    while kill -0 $$ 2>/dev/null; do
        for request in "$CONTROL"/*.request; do
            [ ! -f "$request" ] || answer_request "$request"
        done
        sleep 1
    done
    end_runner
}

# The script was killed, which has left the runner measuring: it is to keep its
# whole rounds and end. Another run that has begun since has ended it already.
end_runner() {
    [ "$(cat "$LOCK/pid" 2>/dev/null)" = $$ ] || return 0
    for left in $(project_containers --filter label=com.docker.compose.oneoff=True); do
        docker kill -s INT "$left" || true
    done
}

answer_request() {
    answer=${1%.request}.answer
    read -r verb station number rest <"$1" || true
    rm -f "$1"
    act >"$answer.new"
    # Renamed when complete, so that the runner never reads half a line.
    mv "$answer.new" "$answer"
}

# Prints `ok` or `error: …` for $verb $station $number.
act() {
    if ! is_station "${station:-}" && ! may_stand_still "$verb" "${station:-}"; then
        echo "error: '${station:-}' is no station of this lab that runs"
    elif [ -n "${rest:-}" ] || { [ "$verb" != scale ] && [ -n "${number:-}" ]; }; then
        echo "error: too many words"
    else
        case $verb in
        scale) scale ;;
        crash) crash ;;
        kill) report compose -f "$file" kill "$station" ;;
        pause) report compose -f "$file" pause "$station" ;;
        resume) report compose -f "$file" unpause "$station" ;;
        *) echo "error: '$verb' is not one of scale, crash, kill, pause, resume" ;;
        esac
    fi
}

is_station() {
    case $1 in
    '' | *[!a-z0-9-]*) return 1 ;;
    esac
    printf '%s\n' "$stations" | grep -qx -e "$1"
}

# may_stand_still VERB NAME : what runs beside the stations may be frozen and
# thawed, and no more.
may_stand_still() {
    case $1:$2 in
    *: | *:*[!a-z0-9-]*) return 1 ;;
    pause:* | resume:*) printf '%s\n' "$beside" | grep -qx -e "$2" ;;
    *) return 1 ;;
    esac
}

scale() {
    case ${number:-} in
    [0-9] | [1-5][0-9] | 6[0-4])
        report compose -f "$file" up -d --no-deps --no-recreate --scale "$station=$number" "$station"
        ;;
    *) echo "error: scale needs a number from 0 to 64" ;;
    esac
}

# A fault comes from inside: after `docker kill` the restart policy does not
# bring the container back. The command ends with what it kills, so its own
# status says nothing; whether the container still stands does.
crash() {
    container=$(compose -f "$file" ps -q "$station" | head -n 1)
    before=$(docker inspect -f '{{.State.StartedAt}}' "$container" 2>/dev/null) || {
        echo "error: $station does not run"
        return
    }
    docker exec "$container" sh -c 'kill -9 -1' >/dev/null 2>&1 || true
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        state=$(docker inspect -f '{{.State.Running}} {{.State.StartedAt}}' "$container" 2>/dev/null || true)
        [ "$state" != "true $before" ] && echo ok && return
        sleep 0.2
    done
    echo "error: $station survived"
}

# report COMMAND... : ok, or the last line of what it said.
report() {
    if said=$("$@" 2>&1 </dev/null); then
        echo ok
    else
        echo "error: $(printf '%s\n' "$said" | tail -n 1)"
    fi
}
