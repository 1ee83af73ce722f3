# shellcheck shell=sh
# The doctor's checks of local stations. Sourced, after local.sh.
# shellcheck disable=SC2154 # set by docker.sh and the doctor

# Sets local_problem, empty when local stations can run.
find_local_problem() {
    local_problem=''
    if [ "$(uname -s)" != Linux ]; then
        local_problem='local stations need Linux, whose kernel limits them'
    elif ! command -v cargo >/dev/null 2>&1 && [ ! -x "$(built_runner)" ]; then
        local_problem='there is no Rust here to build the programs of local stations with: https://rustup.rs'
    fi
}

# The limits are tried, not guessed, by the runner, which takes minutes to build;
# a lab needs that build too. With Docker at hand it is not worth the wait.
check_local() {
    find_local_problem
    if [ -n "$local_problem" ]; then
        fail "$local_problem"
        return
    fi
    if [ ! -x "$(built_runner)" ] && [ -n "$docker_broken" ]; then
        mkdir -p "$STATE"
        announce_build
        phase 'building the programs, to try which limits can be had' attended cargo_build compose/lab-*.yml
    fi
    if [ -x "$(built_runner)" ]; then
        "$(built_runner)" means
    else
        good 'local stations can be built; which limits hold them is tried once they are: make lab-primes LOCAL=1'
    fi
}

# "limits" is null until the runner has been built.
print_json() {
    limits=null
    if [ -z "$local_problem" ] && [ -x "$(built_runner)" ]; then
        limits=$("$(built_runner)" means --json)
    fi
    printf '{"docker": {"possible": %s, "problem": %s},\n "local": {"possible": %s, "problem": %s, "limits": %s}}\n' \
        "$(is_empty "$docker_problem")" "$(json_text "$docker_problem")" \
        "$(is_empty "$local_problem")" "$(json_text "$local_problem")" "$limits"
}

is_empty() { if [ -z "$1" ]; then echo true; else echo false; fi; }

# A line as JSON; an empty one is null.
json_text() {
    if [ -z "$1" ]; then
        echo null
    else
        printf '%s' "$1" | tr '\t\n' '  ' | sed 's/[\\"]/\\&/g; s/^/"/; s/$/"/'
    fi
}
