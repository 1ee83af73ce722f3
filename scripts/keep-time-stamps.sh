#!/bin/sh
# For image builds, whose compiled code stays in a cache that all services and
# all clones share: gives each source file the time at which its content came
# into that cache. Cargo tells fresh from stale by time alone: with the files'
# own, a second clone with older files would get the first clone's binaries, and
# with new ones every service would compile all our crates again.
#
# A few processes for all files together: one for each would take half a minute
# on a slow file system.
set -eu
export LC_ALL=C

seen=target/seen
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$seen"
touch "$seen.sums"

find crates services benches e2e -type f -exec sha256sum {} + | sort >"$work/sums"
# A line is a checksum, two spaces and the file.
comm -12 "$work/sums" "$seen.sums" | cut -c 67- >"$work/same"
comm -23 "$work/sums" "$seen.sums" | cut -c 67- >"$work/changed"

# tar keeps the times.
tar -c -C "$seen" -T "$work/same" | tar -x
if [ -s "$work/changed" ]; then
    xargs touch <"$work/changed"
    tar -c -T "$work/changed" | tar -x -C "$seen"
fi
cp "$work/sums" "$seen.sums"
