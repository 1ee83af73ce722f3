#!/bin/sh
# Fetches, builds and starts what watches labs, and says where to look. A lab
# does so by itself; this is for before the first one, and for trying again.
set -eu
cd "$(dirname "$0")/.."
for part in common docker images lock ports stations observability; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done
trap 'end_child' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

need_no_lab 'pulling and building would spoil its figures'
need_docker
mkdir -p "$STATE/control"
PARLAB_USER=$(results_user)
export PARLAB_USER
ensure_base_images
rm -f "$STATE"/no-image-*
phase 'building the runner' build_image lab
status=0
complete_watchers || status=$?
where_to_look
exit "$status"
