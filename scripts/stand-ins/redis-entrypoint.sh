#!/bin/sh
# The entry point of the stand-in for the image redis:8.0, by the conventions of
# the official one: options alone are redis-server's, root becomes the user
# redis, and other containers may come in without a password.
set -eu

case ${1:-} in
'' | -*) set -- redis-server "$@" ;;
esac
if [ "$1" != redis-server ]; then exec "$@"; fi
shift

# The volume may be older than the user's number.
if [ "$(id -u)" = 0 ]; then
    chown -R redis:redis /data
    exec setpriv --reuid=redis --regid=redis --init-groups "$0" redis-server "$@"
fi

exec redis-server --protected-mode no --dir /data "$@"
