# shellcheck shell=sh
# Ratios of our times to other programs': the crate `benches` measures them and
# prints the table. Sourced by bench.sh.
# shellcheck disable=SC2154 # set by bench.sh

measure_peers() { ratios peers; }
measure_parallel() { ratios parallel; }
measure_sieve() { ratios sieve; }
measure_overhead() { ratios overhead; }

ratios() {
    nice cargo build --quiet --release --locked -p primes -p benches </dev/null
    "${CARGO_TARGET_DIR:-target}/release/benches" "$1" </dev/null >"$work/table"
}
