# From a run report, as the runner writes it: one line per measured row with
# station, strategy, workers, quota fidelity, share of time not accounted for,
# and the end of its first sample (seconds of the host's monotonic clock).
# A figure that is unknown is `null`. Relies on the file's indentation.

function value(line) {
    sub(/^[^:]*: */, "", line)
    gsub(/[",]/, "", line)
    return line
}
function start_row() {
    wall = fidelity = unaccounted = ended = "null"
    station = ""
}
/^  "rows": \[/ { in_rows = 1; next }
/^  \]/ { in_rows = 0 }
!in_rows { next }
/^    \{/ { start_row(); next }
/^    \}/ {
    if (wall != "null")
        print station, strategy, workers, fidelity, unaccounted, ended
    next
}
/^      "/ { section = $1; gsub(/[":]/, "", section) }
/^      "station":/ { station = value($0) }
/^      "strategy":/ { strategy = value($0) }
/^      "workers":/ { workers = value($0) }
/^      "quota_fidelity":/ { fidelity = value($0) }
/^        "median":/ && section == "wall_seconds" { wall = value($0) }
/^        "unaccounted":/ { unaccounted = value($0) }
# A replica's own end: the accounts of its workers are indented further.
/^              "ended_seconds":/ && section == "rounds" {
    if (ended == "null" || value($0) + 0 < ended + 0) ended = value($0)
}
