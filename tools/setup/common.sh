# Shared by the set-up scripts; sourced, from any folder. Each script:
#
#   tools/setup/NAME.sh           installs what is missing; again is cheap
#   tools/setup/NAME.sh --check   prints what is there and where, or the command
#                                 that installs it; status 1 when something is missing
#
# Everything goes to the user's cache, $cache; nothing but apt.sh touches the
# system, and only packages come from outside, pinned, with digests.
set -eu
setup=$(cd "$(dirname "$0")" && pwd)
cache=${LOOP_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/loop}
self=$(basename "$0" .sh)
started=$(date +%s)

say() {
    echo "$self: $*"
}

fail() {
    echo "error: $1" >&2
    [ $# -lt 2 ] || echo "hint: $2" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# "rust-guest: ready in 47 s"
ready() {
    say "$* in $(($(date +%s) - started)) s"
}
