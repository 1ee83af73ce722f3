# shellcheck shell=sh
# How each stand-in is made, by the conventions of the official image whose
# name it takes. Sourced by offline-images.sh.

DEBIAN_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Finds out whether stand-ins can be made here; sets mirror and work.
prepare() {
    [ "$(id -u)" = 0 ] || die "$EXIT_UNAVAILABLE" 'stand-ins can be made by root only: debootstrap changes root' \
        "sudo env PATH='$PATH' HOME='$HOME' make offline-images"
    if ! command -v debootstrap >/dev/null 2>&1; then
        command -v apt-get >/dev/null 2>&1 || die "$EXIT_UNAVAILABLE" 'debootstrap is missing, and there is no apt to get it' \
            'make the images on a Debian machine, then carry them: docker save … | docker load'
        attended apt-get install -y -qq debootstrap >/dev/null
    fi
    mirror=$(sh scripts/apt-mirror.sh) || die "$EXIT_UNAVAILABLE" 'apt here is not configured for a Debian mirror' \
        'name one: DEBIAN_MIRROR=<address> make offline-images'
    # apt's own proxy, where it has one: debootstrap only knows the variable.
    proxy=$(apt-config dump --format '%v%n' Acquire::http::Proxy 2>/dev/null || true)
    [ -z "$proxy" ] || export http_proxy="${http_proxy:-$proxy}"
    work=$(mktemp -d "${TMPDIR:-/var/tmp}/parlab-images.XXXXXX")
    mkdir "$work/packages"
}

# root_of [PACKAGES] : Debian trixie with these packages, as a folder.
root_of() {
    root=$work/root
    rm -rf --one-file-system "$root"
    attended debootstrap --variant=minbase --cache-dir="$work/packages" ${1:+"--include=$1"} \
        trixie "$root" "$mirror" >"$work/log" 2>&1 || {
        status=$?
        bad "debootstrap failed; the end of its log:"
        tail -n 8 "$work/log" | sed 's/^/  /' >&2
        exit "$status"
    }
    # What the slim images lack too; licences stay.
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    rm -rf "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/* \
        "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*
}

# import_as IMAGE CHANGE... : the folder as an image of one layer.
import_as() {
    image_name=$1
    shift
    for change; do
        set -- "$@" --change "$change"
        shift
    done
    tar --numeric-owner -C "$root" -c . |
        docker import "$@" --change 'LABEL org.parlab.stand-in=true' - "$image_name" >/dev/null
    rm -rf --one-file-system "$root"
}

debian_image() {
    root_of
    import_as "$1" "ENV PATH=$DEBIAN_PATH" 'CMD ["bash"]'
}

rust_image() {
    toolchain=$(rustc --print sysroot) || die "$EXIT_UNAVAILABLE" 'there is no Rust toolchain here to copy' \
        'install one: https://rustup.rs'
    [ "$toolchain" != /usr ] || die "$EXIT_UNAVAILABLE" 'the Rust toolchain here belongs to the system, mixed with all else' \
        'install one in a folder of its own: https://rustup.rs'
    root_of ca-certificates,gcc,libc6-dev
    rust_home=$root/usr/local/rustup/toolchains/machine
    mkdir -p "$rust_home" "$root/usr/local/cargo/bin"
    tar -C "$toolchain" --exclude=./share -c . | tar -C "$rust_home" -x
    for tool in "$rust_home"/bin/*; do
        ln -s "/usr/local/rustup/toolchains/machine/bin/${tool##*/}" "$root/usr/local/cargo/bin/"
    done
    # The way to crates.io is the machine's own: whom it trusts, and what
    # Cargo's configuration says of registries. Nothing secret, nothing else.
    cp -L "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$root/etc/ssl/certs/ca-certificates.crt"
    config=${CARGO_HOME:-$HOME/.cargo}/config.toml
    [ ! -f "$config" ] || awk '
        /^\[/ { wanted = /^\[(source|registries|registry|net|http)[].]/ }
        wanted && !/^ *(token|credential-provider|secret-key)/' "$config" >"$root/usr/local/cargo/config.toml"
    import_as "$1" "ENV PATH=/usr/local/cargo/bin:$DEBIAN_PATH" 'ENV CARGO_HOME=/usr/local/cargo' \
        'ENV RUSTUP_HOME=/usr/local/rustup' 'CMD ["bash"]'
}

# As the official image: nobody, data and working folder in /prometheus, its
# programs in /bin (which is /usr/bin in trixie). Debian's package is of this
# very version.
prometheus_image() {
    root_of prometheus
    cp -R "$root/etc/prometheus/console_libraries" "$root/etc/prometheus/consoles" "$root/usr/share/prometheus/"
    mkdir -p "$root/prometheus"
    chown 65534:65534 "$root/prometheus" "$root/etc/prometheus"
    import_as "$1" "ENV PATH=$DEBIAN_PATH" 'USER nobody' 'WORKDIR /prometheus' 'VOLUME /prometheus' 'EXPOSE 9090' \
        'ENTRYPOINT ["/bin/prometheus"]' \
        'CMD ["--config.file=/etc/prometheus/prometheus.yml","--storage.tsdb.path=/prometheus","--web.console.libraries=/usr/share/prometheus/console_libraries","--web.console.templates=/usr/share/prometheus/consoles"]'
}

# As the official image, but for the signal that stops it, which an import cannot
# set: its user and its number, data in
# /var/lib/postgresql/data, sockets in /var/run/postgresql, the server's programs
# in the path, and an entry point that sets a new cluster up.
postgres_image() {
    root_of postgresql-17
    # Debian sets a cluster up at once, under a number of its own choosing.
    rm -rf "$root"/var/lib/postgresql/17 "$root"/etc/postgresql/17
    chroot "$root" groupmod -g 999 postgres
    chroot "$root" usermod -u 999 -g 999 postgres
    mkdir -p "$root/var/lib/postgresql/data" "$root/run/postgresql" "$root/docker-entrypoint-initdb.d"
    chroot "$root" chown -R postgres:postgres /var/lib/postgresql /run/postgresql
    # Inside a container the loopback interface reaches nobody.
    sed -i "s/^#*listen_addresses *=.*/listen_addresses = '*'/" "$root/usr/share/postgresql/17/postgresql.conf.sample"
    chmod 1777 "$root/var/lib/postgresql/data"
    chmod 3777 "$root/run/postgresql"
    install -m 755 scripts/stand-ins/postgres-entrypoint.sh "$root/usr/local/bin/docker-entrypoint.sh"
    import_as "$1" "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/postgresql/17/bin" \
        'ENV LANG=C.UTF-8' 'ENV PGDATA=/var/lib/postgresql/data' 'VOLUME /var/lib/postgresql/data' 'EXPOSE 5432' \
        'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]'
}

# As the official image: its user and its number, data and working folder in
# /data, its programs in the path. Without a configuration of its own a Redis
# lets nobody in from other machines; the official image switches that off.
redis_image() {
    root_of redis-server
    chroot "$root" groupmod -g 999 redis
    chroot "$root" usermod -u 999 -g 999 redis
    mkdir -p "$root/data"
    chroot "$root" chown redis:redis /data
    install -m 755 scripts/stand-ins/redis-entrypoint.sh "$root/usr/local/bin/docker-entrypoint.sh"
    import_as "$1" "ENV PATH=$DEBIAN_PATH" 'WORKDIR /data' 'VOLUME /data' 'EXPOSE 6379' \
        'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["redis-server"]'
}
