#!/bin/sh
# What sidecars in Node, Python and Rust need: checks, and installs nothing, as they
# are languages that a user has or has not.
#
#   tools/setup/sidecars.sh [--check]
. "$(dirname "$0")/common.sh"
status=0

case ${1-} in
    --check | '') ;;
    *) fail "unknown option '$1'" "sidecars.sh [--check]" ;;
esac

# language NAME COMMAND VERSION HINT: COMMAND prints `N.N...`
language() {
    found=$(sh -c "$2" 2>/dev/null | sed -n 's/^[^0-9]*\([0-9]*\.[0-9]*\).*/\1/p') || found=
    if [ -z "$found" ]; then
        say "$1 is missing: $4"
        status=1
    elif [ "$(printf '%s\n' "$3" "$found" | sort -V | head -1)" != "$3" ]; then
        say "$1 $found is older than $3: $4"
        status=1
    else
        say "$1 $found"
    fi
}

language Node "node --version" 20.15 "nodejs.org has it for every system"
language Python "python3 --version" 3.11 "apt-get install python3"
language Rust "cargo --version" 1.85 "install Rust with rustup"
exit $status
