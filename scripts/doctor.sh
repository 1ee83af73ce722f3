#!/bin/sh
# Can labs run here, in Docker and without it, and under which limits? One line
# each, with what to do; exit 1 if neither can. With --json: the same in short.
set -eu
cd "$(dirname "$0")/.."
for part in common docker images checks ports local local-checks; do
    # shellcheck source=/dev/null
    . "scripts/lib/$part.sh"
done

case ${1:-} in
'') json='' ;;
--json) json=yes ;;
*) die "$EXIT_USAGE" "doctor: there is no option $1" 'there is --json' ;;
esac

broken=''
trap 'end_child' EXIT
trap 'exit 130' INT

if [ -n "$json" ]; then
    find_docker_problem
    find_local_problem
    print_json
    [ -z "$docker_problem" ] || [ -z "$local_problem" ]
    exit
fi
check_docker
if [ -z "$broken" ]; then
    check_host
    check_disk
    check_base_images
fi
docker_broken=$broken
broken=''
check_local
check_ports
if [ -n "$docker_broken" ] && [ -n "$broken" ]; then
    say 'Labs cannot run: mend the lines with ✗ of Docker, or those of local stations.'
    exit 1
fi
if [ -z "$docker_broken" ]; then
    say 'Labs can run in Docker: make lab-primes'
fi
if [ -z "$broken" ]; then
    say 'Labs can run without Docker: make lab-primes LOCAL=1'
fi
