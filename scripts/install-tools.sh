#!/bin/sh
# Installs what the tests need and this machine lacks, from Debian's packages:
# Docker, Compose v2, buildx, debootstrap, shellcheck, promtool, tmux, PostgreSQL,
# Redis, Chromium (for the tests of pages).
# Needs root.
set -eu
cd "$(dirname "$0")/.."
. scripts/lib/common.sh
export DEBIAN_FRONTEND=noninteractive

updated=''
install() {
    [ -n "$updated" ] || apt-get update -qq
    updated=yes
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    good "installed: $*"
}

has() { command -v "$1" >/dev/null 2>&1; }

# Debian 12 has Compose v1 only and no buildx. Of Debian 13 just these two (and
# what they depend on) may come in.
add_trixie() {
    mirror=$(sh scripts/apt-mirror.sh) || die "$EXIT_UNAVAILABLE" 'apt here is not configured for a Debian mirror' \
        'install Docker Compose v2 and buildx by hand, or name a mirror in DEBIAN_MIRROR'
    printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' \
        "$mirror" /usr/share/keyrings/debian-archive-keyring.gpg >/etc/apt/sources.list.d/parlab-trixie.sources
    printf 'Package: %s\nPin: release n=trixie\nPin-Priority: %s\n\n' \
        '*' -10 'docker-compose docker-buildx' 990 >/etc/apt/preferences.d/parlab-trixie
    updated=''
}

# Of the package that has it in Debian 12 the one program: the package would
# start a server.
install_promtool() {
    if apt-cache policy promtool 2>/dev/null | grep -q 'Candidate: [0-9]'; then
        install promtool
        return
    fi
    [ -n "$updated" ] || apt-get update -qq
    updated=yes
    unpacked=$(mktemp -d)
    (
        cd "$unpacked"
        # As root apt warns that its own user cannot write here.
        apt-get download -qq prometheus 2>/dev/null
        dpkg-deb -x prometheus_*.deb .
    )
    cp "$unpacked/usr/bin/promtool" /usr/local/bin/
    rm -rf "$unpacked"
    good 'installed: promtool'
}

# Its programs, and no server: tests and local labs make and end their own.
install_postgresql() {
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    install postgresql
}

# The program, and no server of Debian's: tests and local labs start their own.
# Its package starts one, but for a policy that says no.
install_redis() {
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        install redis-server
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    install redis-server || { rm -f "$policy"; exit 1; }
    rm -f "$policy"
    [ -d /run/systemd/system ] && systemctl disable --quiet redis-server
    return 0
}

start_docker() {
    if [ -d /run/systemd/system ]; then
        systemctl start docker
    else
        nohup dockerd >/var/log/dockerd.log 2>&1 </dev/null &
    fi
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        docker version >/dev/null 2>&1 && return
        sleep 3
    done
    die "$EXIT_UNAVAILABLE" 'the Docker daemon does not start' 'its log: journalctl -u docker, or /var/log/dockerd.log'
}

has cargo || die "$EXIT_UNAVAILABLE" 'there is no Rust toolchain here' 'install one: https://rustup.rs'
has apt-get || die "$EXIT_UNAVAILABLE" 'this prepares Debian and Ubuntu machines only' 'see make doctor for what is missing'
for tool in make gcc git curl pgrep debootstrap shellcheck tmux chromium; do
    case $tool in
    gcc) package='gcc libc6-dev' ;;
    pgrep) package=procps ;;
    *) package=$tool ;;
    esac
    # shellcheck disable=SC2086 # one word per package
    has "$tool" || install $package
done
has promtool || install_promtool
# Debian keeps its programs off the PATH.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || install_postgresql
has redis-server || install_redis
# In Debian 13 the command is a package of its own.
has docker || install docker.io iptables
has docker || install docker-cli
if ! docker version >/dev/null 2>&1; then
    has dockerd || install docker.io iptables
    start_docker
fi
if ! docker compose version >/dev/null 2>&1 || ! docker buildx version >/dev/null 2>&1; then
    apt-cache show docker-buildx >/dev/null 2>&1 || add_trixie
    # In Ubuntu docker-compose is v1, and v2 has a name of its own.
    compose_package=docker-compose-v2
    apt-cache show "$compose_package" >/dev/null 2>&1 || compose_package=docker-compose
    install "$compose_package" docker-buildx
fi
good "$(docker compose version), Docker Engine $(docker version --format '{{.Server.Version}}')"
