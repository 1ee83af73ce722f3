#!/bin/sh
# A million jobs while a worker is killed every second and Redis is paused once
# and restarted once: none lost, none done twice. Prints its account; some minutes.
# Wants Rust and redis-server on this machine.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh

command -v redis-server >/dev/null 2>&1 ||
    die "$EXIT_UNAVAILABLE" 'no redis-server is installed' "install your system's package of Redis"
exec cargo test --release -p queue --test it -- --ignored --nocapture --exact \
    chaos::soak_none_of_a_million_is_lost_and_none_done_twice
