#!/bin/sh
# How fast the workloads are: bench.sh [FILTER]
set -eu
cd "$(dirname "$0")/.."
cargo bench --workspace "$@"
