#!/bin/sh
# Makes local stand-ins, from Debian packages and this machine's toolchain, for
# the images that a registry would give: offline-images.sh [IMAGE...]
# What is present is left alone. Needs root and an apt mirror.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
. scripts/lib/docker.sh
. scripts/lib/images.sh
. scripts/lib/stand-ins.sh

# One stand-in a line: the image, and the function that makes it.
STAND_INS='
debian:trixie-slim debian_image
rust:1.95-slim-trixie rust_image
prom/prometheus:v2.53.3 prometheus_image
postgres:17 postgres_image
redis:8.0 redis_image
'

work=''
trap 'end_child; [ -z "$work" ] || rm -rf --one-file-system "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

make_one() {
    maker=$(printf '%s' "$STAND_INS" | awk -v image="$1" '$1 == image { print $2 }')
    if [ -z "$maker" ]; then
        die "$EXIT_USAGE" "no stand-in is known for $1" \
            "there are:$(printf '%s' "$STAND_INS" | awk 'NF { printf " %s", $1 }')"
    fi
    [ -n "$work" ] || prepare
    began=$(date +%s)
    say "  making $1 …"
    "$maker" "$1"
    good "made $1 ($(($(date +%s) - began)) s)"
}

need_docker "(a stand-in is an image: without Docker there is no use for it)"
# shellcheck disable=SC2046 # one word per image
[ $# -gt 0 ] || set -- $(printf '%s' "$STAND_INS" | awk '{ print $1 }')
for image; do
    if image_present "$image"; then
        good "$image is present"
    else
        make_one "$image"
    fi
done
