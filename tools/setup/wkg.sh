#!/bin/sh
# wkg, the packaging tool of the component world, into <cache>/wkg: tests of
# registries compare with it, `make test` skips those where it is not there.
# Nothing of loop needs it. Some seven minutes on two cores, once.
#
#   tools/setup/wkg.sh [--check]
. "$(dirname "$0")/common.sh"
version=0.16.1
home=$cache/wkg
case ${1-} in
    --check | '') ;;
    *) fail "unknown option '$1'" "wkg.sh [--check]" ;;
esac

installed() {
    [ -x "$home/bin/wkg" ] && [ "$("$home/bin/wkg" --version)" = "wkg $version" ]
}

if installed; then
    say "wkg $version in $home/bin/wkg"
    exit 0
elif [ -n "${1-}" ]; then
    say "wkg is missing: tools/setup/wkg.sh (only for tests of registries)"
    exit 1
fi
have cargo || fail "wkg needs cargo" "install Rust with rustup"
mkdir -p "$home"
say "building wkg $version, some seven minutes"
CARGO_TARGET_DIR=$home/target cargo install --quiet --locked --root "$home" \
    --version "=$version" wkg >"$home/wkg.log" 2>&1 || {
    tail -5 "$home/wkg.log" >&2
    fail "wkg did not build" "see $home/wkg.log"
}
rm -rf "$home/target"
installed || fail "what was built is not wkg $version" "rm -r $home, and again"
ready "wkg $version is ready"
