# shellcheck shell=sh
# Ratios of our times to other programs': the crate `benches` measures them and
# prints the table. Sourced by bench.sh.
# shellcheck disable=SC2154 # set by bench.sh

measure_peers() { ratios peers; }
measure_parallel() { ratios parallel; }
measure_sieve() { ratios sieve; }
measure_overhead() { ratios overhead; }
measure_pipeline() { ratios pipeline; }
measure_load() { ratios load; }
measure_cluster() { ratios cluster; }

# Storing is measured where Docker answers and has the image of lab-scraper.
measure_scraper() {
    start_database || true
    ratios scraper
    stop_database
}

# A PostgreSQL of this bench alone, which keeps nothing.
start_database() {
    [ -z "$docker_problem" ] && docker image inspect postgres:17 >/dev/null 2>&1 || return 1
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    database=$(docker run -d --rm -e POSTGRES_USER=bench -e POSTGRES_DB=bench -e POSTGRES_PASSWORD="$password" postgres:17)
    asked=0
    # Over TCP: while it is being made, it listens on its socket alone.
    until docker exec "$database" pg_isready --quiet --host 127.0.0.1 --username bench; do
        asked=$((asked + 1))
        [ "$asked" -lt 60 ] || return 1
        sleep 0.5
    done
    address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$database")
    export SCRAPER_DATABASE_URL="postgres://bench:$password@$address:5432/bench"
}

stop_database() {
    [ -z "$database" ] || docker rm -f -v "$database" >/dev/null 2>&1 || true
    database=''
}

ratios() {
    nice cargo build --quiet --release --locked -p primes -p origin -p scraper -p pipeline -p load -p cluster -p benches </dev/null
    "${CARGO_TARGET_DIR:-target}/release/benches" "$1" </dev/null >"$work/table"
}
