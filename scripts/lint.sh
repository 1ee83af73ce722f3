#!/bin/sh
# Formatting, clippy and shellcheck, all without a warning.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh

cargo fmt --check
cargo clippy --workspace --all-targets -- -D warnings
if command -v shellcheck >/dev/null 2>&1; then
    find scripts -name '*.sh' -exec shellcheck .ci/run {} +
elif [ "${CI:-}" = true ]; then
    die "$EXIT_UNAVAILABLE" 'shellcheck is missing' 'apt-get install shellcheck'
else
    warn 'left out: shellcheck, which is not installed'
fi
good 'no warnings'
