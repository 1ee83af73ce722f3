# shellcheck shell=sh
# Which of the ports that Parlab publishes are taken. Sourced by the doctor.

# A taken port only stops what publishes it.
check_ports() {
    taken=''
    for use in 3000:Grafana 9090:Prometheus 8000:metrics 3100:cluster 8100:queue 8765:queue-WebSocket; do
        port=${use%%:*}
        if is_taken "$port"; then
            caution "port $port on 127.0.0.1 is taken: ${use#*:} wants it; PARLAB_PORT_… can move it"
            taken=yes
        fi
    done
    [ -n "$taken" ] || good 'ports 3000, 9090, 8000, 3100, 8100 and 8765 are free'
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
