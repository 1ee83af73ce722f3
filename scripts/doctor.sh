#!/bin/sh
# Can labs run here? One line each, with what to do; exit 1 if they cannot.
set -eu
cd "$(dirname "$0")/.."
for part in common docker images checks ports; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done

broken=''
trap 'end_child' EXIT
trap 'exit 130' INT

check_docker
if [ -z "$broken" ]; then
    check_host
    check_disk
    check_base_images
fi
check_ports
if [ -n "$broken" ]; then
    say 'Labs cannot run: mend the lines with ✗.'
    exit 1
fi
say 'Labs can run: make lab-primes'
