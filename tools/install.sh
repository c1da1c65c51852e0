#!/bin/sh
# Installs what is built: DEST/bin/loop, DEST/lib/libloop.so, DEST/lib/loop with what the
# library starts and loads, DEST/include/loop, man pages, completions, and DEST/share/loop with profiles, classes, WIT and the templates
# of sidecars, which need nothing else of this tree.
#
#   tools/install.sh BUILD DEST
#
# Nothing that is installed knows where it lies: the command finds the library, the
# library share/loop and loop.pc the headers from their own places. So a build has the
# prefix `/`, can be installed anywhere, again and again, and what is installed may be
# moved. Nothing is built here: `make` comes first, as yourself; this may be root's.
set -eu
[ $# = 2 ] || { echo "usage: tools/install.sh BUILD DEST" >&2; exit 2; }
build=$1
fail() {
    echo "error: $1" >&2
    echo "hint: $2" >&2
    exit 1
}
[ -x "$build/loop" ] && [ -e "$build/libloop.so" ] || fail "'$build' has no loop to install" "make"
case $2 in
    /*) dest=$2 ;;
    *) dest=$PWD/$2 ;;
esac
prefix=$(meson introspect "$build" --buildoptions | python3 -c '
import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')
[ "$prefix" = / ] || fail "'$build' was set up for the prefix '$prefix'" \
    "meson configure $build -Dprefix=/ -Dlibdir=lib && ninja -C $build"
meson install -C "$build" --no-rebuild --quiet --destdir "$dest" >"${TMPDIR:-/tmp}/loop-install.$$" 2>&1 || {
    tail -5 "${TMPDIR:-/tmp}/loop-install.$$" >&2
    rm -f "${TMPDIR:-/tmp}/loop-install.$$"
    fail "cannot install into '$dest'" "sudo make install, or another PREFIX"
}
rm -f "${TMPDIR:-/tmp}/loop-install.$$"
# Templates of sidecars with the SDK that each links to, and what calls and checks one.
share=$dest/share/loop
root=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$share/templates" "$share/sidecar"
mkdir -p "$share/templates" "$share/sidecar/conformance"
for template in "$root"/templates/sidecar-*; do
    cp -rL "$template" "$share/templates/"
done
find "$share/templates" \( -name target -o -name __pycache__ \) -prune -exec rm -rf {} +
cp "$root/sidecar/PROTOCOL.md" "$share/sidecar/"
for file in "$root"/sidecar/conformance/*.*; do
    cp "$file" "$share/sidecar/conformance/"
done
case $dest in
    /usr | /usr/local) ldconfig 2>/dev/null || true ;; # the loader keeps a list of what is there
esac
echo "installed: $(cd "$dest" && pwd)/bin/loop"
