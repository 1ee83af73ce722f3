#!/bin/sh
# Prints the Debian mirror that this machine's apt is configured for, or what
# DEBIAN_MIRROR says. Reads both forms of apt sources.
set -eu

if [ -n "${DEBIAN_MIRROR:-}" ]; then
    printf '%s\n' "$DEBIAN_MIRROR"
    exit
fi

os_field() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" /etc/os-release; }
sources=${APT_SOURCES:-/etc/apt}

# One line per source: its URI, then its suites.
list_sources() {
    for file in "$sources"/sources.list "$sources"/sources.list.d/*.list; do
        # deb [options] URI suite components
        [ ! -f "$file" ] || sed -n 's/^deb  *\(\[[^]]*\]\)\{0,1\} *\([^ ]*\)  *\([^ ]*\).*/\2 \3/p' "$file"
    done
    for file in "$sources"/sources.list.d/*.sources; do
        # Stanzas between empty lines: Types, URIs, Suites.
        [ ! -f "$file" ] || awk '
            function flush() { if (uri != "" && on) print uri suites; uri = suites = ""; on = 1 }
            BEGIN { on = 1 }
            /^[ \t]*$/ { flush(); next }
            /^#/ { next }
            tolower($1) == "uris:" { uri = $2 }
            tolower($1) == "suites:" { $1 = ""; suites = $0 }
            tolower($1) == "enabled:" && tolower($2) == "no" { on = 0 }
            END { flush() }' "$file"
    done
}

[ "$(os_field ID)" = debian ] || exit 1
list_sources | awk -v codename="$(os_field VERSION_CODENAME)" '
    $1 ~ /^(https?|file|ftp):/ {
        for (i = 2; i <= NF; i++)
            if ($i == codename || $i == "trixie") { print $1; found = 1; exit }
    }
    END { exit !found }'
