# shellcheck shell=sh
# Which of the ports that the Compose files publish are taken. Sourced by the
# doctor.

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
        if is_taken "$port"; then
            caution "port $port on 127.0.0.1 is taken: set $variable to another one"
            taken=yes
        fi
    done
    [ -n "$taken" ] || good "ports: all $# that labs publish are free"
}

# VARIABLE=PORT of each "127.0.0.1:${VARIABLE:-PORT}:…" in the Compose files.
published_ports() {
    sed -n 's/^[^#]*127\.0\.0\.1:${\(PARLAB_PORT_[A-Z_]*\):-\([0-9]*\)}:.*/\1=\2/p' compose/*.yml | sort -u
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
