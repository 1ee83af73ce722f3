#!/bin/sh
# All tests: those of the code first, then those that run labs.
set -eu
cd "$(dirname "$0")/.."

cargo test --workspace --exclude e2e
sh scripts/e2e.sh
