#!/bin/sh
# Builds the guests of the conformance tests (tests/conformance/README.md).
#
#   tools/build_conformance.sh OUTDIR
#
# OUTDIR/caller.wasm, callee.wasm, caller-utf16.wasm, caller-compact-utf16.wasm,
# hostile-<name>.wasm, and OUTDIR/echo: 200 signatures that generate.py makes. Only
# what changed is built again, one line per artifact. Needs what tools/guest_c.sh
# says and the wasm-tools of tools/setup/wasm-tools.sh.
set -eu
[ $# -eq 1 ] || { echo "usage: tools/build_conformance.sh OUTDIR" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
case $out in "$root"/*) out=${out#"$root"/} ;; esac
cache=${LOOP_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/loop}
tools=${WASM_TOOLS:-$cache/venv/bin/wasm-tools}
sources=tests/conformance
objects=$out/.objects
mkdir -p "$objects"
. tools/guest_c.sh
[ -x "$tools" ] || c_fail "wasm-tools is missing" "tools/setup/wasm-tools.sh"

# bound NAME: c/NAME.c and c/NAME-*.c with the bindings gen/NAME
bound() {
    target=$out/$1.wasm
    stale "$target" "$sources/c/$1"*.[ch] "$sources/gen/$1".[ch] "$sources/gen/$1_component_type.o" \
        tools/guest_c.sh tools/build_conformance.sh || return 0
    linked="$objects/gen-$1.o $sources/gen/$1_component_type.o"
    c_object "$sources/gen/$1.c" "$objects/gen-$1.o" -Wno-unused-parameter
    for part in "$sources/c/$1.c" "$sources/c/$1"-*.c; do
        object=$objects/$(basename "$part" .c).o
        c_object "$part" "$object" -I"$sources"
        linked="$linked $object"
    done
    # shellcheck disable=SC2086
    c_component "$target" -Wl,--strip-debug $linked
    report "$target"
}

# component ENCODING WORLD CORE TARGET
component() {
    "$tools" component embed --encoding "$1" --world "$2" "$sources/wit" "$3" -o "$objects/embedded.wasm"
    "$tools" component new "$objects/embedded.wasm" -o "$4.new"
    mv "$4.new" "$4"
    report "$4"
}

# text ENCODING FLAG...: c/text.c, which has no bindings and no libc
text() {
    target=$out/caller-$1.wasm encoding=$1
    shift
    stale "$target" "$sources/c/text.c" "$sources/wit" tools/build_conformance.sh || return 0
    c_object "$sources/c/text.c" "$objects/text.o" -ffreestanding -mbulk-memory "$@"
    PATH=/usr/lib/llvm-19/bin:$PATH "$c_cc" --target=wasm32-wasi -nostdlib -Wl,--no-entry \
        -Wl,--stack-first "$objects/text.o" -o "$objects/text.wasm"
    component "$encoding" host-side "$objects/text.wasm" "$target"
}

# hostile NAME: hostile/NAME.wat; its strings are as the name says
hostile() {
    target=$out/hostile-$1.wasm
    stale "$target" "$sources/hostile/$1.wat" "$sources/wit" tools/build_conformance.sh || return 0
    case $1 in *utf16) encoding=$1 ;; *) encoding=utf8 ;; esac
    component "$encoding" "hostile-$1" "$sources/hostile/$1.wat" "$target"
}

echo_guests() {
    stale "$out/echo/.made" "$sources"/*.py tools/build_conformance.sh || return 0
    rm -rf "$out/echo"
    python3 "$sources/generate.py" --seed 1 --count 200 "$out/echo"
    touch "$out/echo/.made"
    echo "  $out/echo  200 signatures"
}

bound caller
bound callee
text utf16
text compact-utf16 -DLATIN1
for file in "$sources"/hostile/*.wat; do
    hostile "$(basename "$file" .wat)"
done
echo_guests
