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

# Python packages: one virtual environment, one requirements file a package.

venv=$cache/venv

# pinned FILE -> the version that a requirements file names
pinned() {
    sed -n 's/^[a-z-]*==\([0-9.]*\).*/\1/p' "$setup/$1"
}

# py_installed PACKAGE FILE: is the pinned version there?
py_installed() {
    for info in "$venv"/lib/python3*/site-packages/"$1-$(pinned "$2").dist-info"; do
        [ -d "$info" ] && return 0
    done
    return 1
}

# py_install PACKAGE FILE [OPTION of pip...]
py_install() {
    if [ ! -x "$venv/bin/python3" ]; then
        say "making a virtual environment in $venv"
        mkdir -p "$cache"
        python3 -m venv "$venv" || fail "cannot make a virtual environment" \
            "on Debian: apt-get install python3-venv"
    fi
    say "installing $1 $(pinned "$2")"
    requirements=$setup/$2
    shift 2
    "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$requirements" "$@"
}

# Node packages: npm_installed and npm_install FOLDER, a folder beside this
# file with package.json and package-lock.json, into <cache>/FOLDER-guest. The
# lock file lies beside what it installed: another one means other versions.

npm_installed() {
    [ -d "$cache/$1-guest/node_modules" ] &&
        cmp -s "$setup/$1/package-lock.json" "$cache/$1-guest/package-lock.json"
}

# Not npm ci: that one insists on optional packages for platforms that were
# never published. Versions and digests are those of the lock file all the same.
npm_install() {
    have node && have npm || fail "this needs node and npm" "apt-get install nodejs npm"
    # Beside its place, then moved: half an installation does not look like one.
    home=$cache/$1-guest
    rm -rf "$home.new"
    mkdir -p "$home.new"
    cp "$setup/$1/package.json" "$setup/$1/package-lock.json" "$setup/$1/.npmrc" "$home.new/"
    (cd "$home.new" && npm install --no-save --no-audit --no-fund >npm.log 2>&1) || {
        tail -5 "$home.new/npm.log" >&2
        fail "npm failed" "see $home.new/npm.log"
    }
    rm -rf "$home"
    mv "$home.new" "$home"
}
