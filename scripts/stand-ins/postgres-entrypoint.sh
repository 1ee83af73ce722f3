#!/bin/sh
# The entry point of the stand-in for the image postgres:17, by the conventions
# of the official one: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE,
# POSTGRES_USER, POSTGRES_DB, POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD,
# PGDATA, and what is in /docker-entrypoint-initdb.d.
set -eu

say() { printf '%s\n' "$*" >&2; }

# An option is for the server.
case ${1:-} in
-*) set -- postgres "$@" ;;
esac
if [ "${1:-}" != postgres ]; then exec "$@"; fi

if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    [ -z "${POSTGRES_PASSWORD:-}" ] || {
        say 'POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE exclude each other'
        exit 1
    }
    POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
    unset POSTGRES_PASSWORD_FILE
    export POSTGRES_PASSWORD
fi
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown postgres "$PGDATA" /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

psql_here() { psql --no-psqlrc -v ON_ERROR_STOP=1 -U "$user" "$@"; }

set_up() {
    method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
        say 'there is no password for the superuser: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE'
        exit 1
    fi
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    password=$(mktemp)
    printf '%s\n' "${POSTGRES_PASSWORD:-}" >"$password"
    # shellcheck disable=SC2086 # one word per argument
    set -- --username="$user" ${POSTGRES_INITDB_ARGS:-}
    [ -z "${POSTGRES_PASSWORD:-}" ] || set -- "$@" --pwfile="$password"
    initdb "$@"
    rm -f "$password"
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
    # Nobody outside is answered before it is set up.
    pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
    [ "$database" = postgres ] ||
        printf 'CREATE DATABASE :"database";\n' | psql_here -v database="$database" -d postgres
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sh) sh "$file" ;;
        *.sql) psql_here -d "$database" -f "$file" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -w -m fast stop
}

[ -s "$PGDATA/PG_VERSION" ] || set_up
unset POSTGRES_PASSWORD
exec "$@"
