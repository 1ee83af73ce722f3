# shellcheck shell=sh
# Which of the ports that the Compose files publish are taken. Sourced.

# A taken port only stops what publishes it.
check_ports() {
    ports=$(published_ports)
    [ -n "$ports" ] || {
        good 'ports: no lab publishes one'
        return
    }
    taken=''
    # shellcheck disable=SC2086 # one word per port
    set -- $ports
    for use; do
        variable=${use%%=*}
        port=${use#*=}
        eval "port=\${$variable:-$port}"
        if is_taken "$port" && ! is_ours "$port"; then
            caution "port $port on 127.0.0.1 is taken: set $variable to another one"
            taken=yes
        fi
    done
    [ -n "$taken" ] || good "ports: all $# that labs publish are free, or this project's own"
}

# Whether a container of this project publishes the port.
is_ours() { [ -n "$(project_containers --filter "publish=$1" 2>/dev/null)" ]; }

# VARIABLE=PORT of each port that can be chosen.
published_ports() {
    port_uses | sed -n 's/^\(PARLAB_PORT_[A-Z_]*\) \([0-9]*\) .*/\1=\2/p' | sort -u
}

# VARIABLE PORT FILE:LINE SERVICE of each port that the Compose files, or those
# named, publish on the host, by "127.0.0.1:${VARIABLE:-PORT}:…" or by a number;
# then VARIABLE is -.
port_uses() {
    [ $# -gt 0 ] || set -- compose/*.yml
    awk '
        FNR == 1 { service = "-" }
        /^  [a-z0-9_-]+:/ { service = $1; sub(/:.*/, "", service) }
        {
            sub(/(^|[ \t])#.*/, "")
            where = FILENAME ":" FNR " " service
        }
        match($0, /127\.0\.0\.1:\$\{PARLAB_PORT_[A-Z_]+:-[0-9]+\}:/) {
            split(substr($0, RSTART + 12, RLENGTH - 14), use, ":-")
            print use[1], use[2], where
            next
        }
        /^ *(- |ports:)/ && match($0, /[0-9]+:[0-9]+("|\/|,|\]| |$)/) {
            split(substr($0, RSTART), use, ":")
            print "-", use[1], where
        }' "$@"
}

# explain_taken_port LOG : of what `up` said, which port could not be had, who
# wanted it, and what to do; fails where it was not that.
explain_taken_port() {
    taken=$(grep -E 'already (allocated|in use)' "$1" |
        sed -nE 's/.*(Bind for|host port for|listen tcp[46]?|port TCP) (\[[^]]*]|[0-9.]+|::):([0-9]+).*/\3/p' | head -n 1)
    [ -n "$taken" ] || return
    wanted='' remedy=''
    # shellcheck disable=SC2046 # one word per part
    set -- $(port_uses)
    while [ $# -ge 4 ]; do
        chosen=$2
        [ "$1" = - ] || eval "chosen=\${$1:-$2}"
        if [ "$chosen" = "$taken" ]; then
            wanted="$4 ($3)"
            remedy="choose another one, $1=<port> in front of make; or end what listens on this one"
            [ "$1" != - ] || remedy='write another one there, or end what listens on this one'
        fi
        shift 4
    done
    bad "port $taken of this machine is taken${wanted:+, so $wanted cannot have it}"
    printf '  %s\n' "${remedy:-end what listens there}" >&2
}

# 0 leaves the choice to the engine.
is_port() {
    case $1 in
    '' | *[!0-9]* | ??????*) return 1 ;;
    esac
    [ "$1" -le 65535 ]
}

is_taken() {
    if [ -r /proc/net/tcp ]; then
        # State 0A is LISTEN; addresses end in the port, in hexadecimal.
        hex=$(printf ':%04X' "$1")
        cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
            awk -v port="$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
    else
        lsof -nP -iTCP:"$1" -sTCP:LISTEN >/dev/null 2>&1
    fi
}
