#!/bin/sh
# The Debian packages that building loop and C guests takes. Skips what is
# installed; runs apt-get only when something is missing, through sudo when the
# user is not root.
#
#   tools/setup/apt.sh [--tests] [--check]
#
# --tests: also what tests alone take: minisign, and docker-registry, which Debian starts
# as a service that listens on port 5000. A machine that builds loop does without.
. "$(dirname "$0")/common.sh"

host="gcc g++ libc6-dev binutils meson ninja-build pkg-config libuv1-dev libfyaml-dev libcmocka-dev
    libsodium-dev libxxhash-dev libjansson-dev libsqlite3-dev nettle-dev libarchive-dev libcurl4-openssl-dev libsolv-dev"
guests="clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc"
style="clang-format-19 clang-tidy-19"
tests= more=
if [ "${1-}" = --tests ]; then
    tests="docker-registry minisign" more=" --tests"
    shift
fi

have dpkg-query || fail "this is not a Debian system" \
    "install the equivalents of: $(echo $host $guests $style $tests)"

missing=
for package in $host $guests $style $tests; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) missing="$missing $package" ;;
    esac
done

install="apt-get install --yes --no-install-recommends$missing"
if [ -z "$missing" ]; then
    say "all packages are installed"
    exit 0
fi
case ${1-} in
    --check)
        say "missing:$missing"
        say "to install: tools/setup/apt.sh$more, or $install"
        exit 1
        ;;
    '') ;;
    *) fail "unknown option '$1'" "apt.sh [--tests] [--check]" ;;
esac

as_root=
if [ "$(id -u)" != 0 ]; then
    have sudo && sudo -n true 2>/dev/null || [ -t 0 ] && have sudo ||
        fail "only root can install packages" "as root: $install"
    as_root=sudo
fi
say "installing$missing"
# A package list that was never fetched knows nothing; an old one may miss files.
if ! $as_root env DEBIAN_FRONTEND=noninteractive $install >"${TMPDIR:-/tmp}/loop-apt.$$" 2>&1; then
    say "fetching the package lists first"
    $as_root apt-get update --quiet=2
    $as_root env DEBIAN_FRONTEND=noninteractive $install >"${TMPDIR:-/tmp}/loop-apt.$$" 2>&1 || {
        tail -5 "${TMPDIR:-/tmp}/loop-apt.$$" >&2
        fail "apt-get could not install everything" "$install"
    }
fi
rm -f "${TMPDIR:-/tmp}/loop-apt.$$"
ready "all packages are installed"
