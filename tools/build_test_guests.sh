#!/bin/sh
# Builds the test guests: OUTDIR/<name>.wasm.
#
#   tools/build_test_guests.sh OUTDIR [NAME...]
#
# tests/guests/c/*.c and tests/guests/wat/*.wat, one guest a file; only what
# changed is built again, one line per artifact. C needs what tools/guest_c.sh
# says, WAT the wasm-tools of tools/setup/wasm-tools.sh.
set -eu
[ $# -ge 1 ] || { echo "usage: tools/build_test_guests.sh OUTDIR [NAME...]" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
case $out in "$root"/*) out=${out#"$root"/} ;; esac
cache=${LOOP_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/loop}
objects=$out/.objects
guests=tests/guests
mkdir -p "$objects"
. tools/guest_c.sh

# The bindings that a guest links, compiled once: gen NAME -> $linked
gen() {
    if stale "$objects/gen-$1.o" "$guests/gen/$1.c" "$guests/gen/$1.h"; then
        c_object "$guests/gen/$1.c" "$objects/gen-$1.o" -Wno-unused-parameter
    fi
    linked="$linked $objects/gen-$1.o $guests/gen/$1_component_type.o"
}

# Which bindings beyond the SDK's own (http-command's: `sdk`) a guest uses.
link_for() {
    linked=
    case $1 in
        app) gen app ;;
        calc) gen calc ;;
        connect) gen sockets; linked="$linked $objects/sdk-run.o" ;;
        wants-func) gen misspelt; linked="$linked $objects/sdk-run.o" ;;
        config | keyvalue | keyvalue2 | wasi-logging) gen drafts; sdk ;;
        cancel-aware | exit-with-code | wants-*) gen odd; sdk ;;
        *) sdk ;;
    esac
}
sdk() {
    linked="$linked $objects/sdk-run.o $c_sdk"
}

guest_c() {
    target=$out/$1.wasm
    source=${2:-$guests/c/$1.c}
    stale "$target" "$source" "$guests"/c/*.h "$guests/gen" sdk/c tools/guest_c.sh \
        tools/build_test_guests.sh || return 0
    c_sdk "$objects"
    link_for "$1"
    c_object "$source" "$objects/$1.o" -g -I"$guests"
    # shellcheck disable=SC2086
    c_component "$target" "$objects/$1.o" $linked
    report "$target"
}

guest_wat() {
    target=$out/$1.wasm
    source=$guests/wat/$1.wat
    stale "$target" "$source" || return 0
    tools=${WASM_TOOLS:-$cache/venv/bin/wasm-tools}
    [ -x "$tools" ] || c_fail "wasm-tools is missing" "tools/setup/wasm-tools.sh"
    "$tools" parse "$source" -o "$target.new"
    "$tools" validate --features all "$target.new"
    mv "$target.new" "$target"
    report "$target"
}

# `http-wait` is the example that fetches, with a server that never answers.
guest() {
    if [ "$1" = http-wait ]; then
        guest_c http-wait examples/c/fetch/fetch.c
    elif [ -e "$guests/c/$1.c" ]; then
        guest_c "$1"
    elif [ -e "$guests/wat/$1.wat" ]; then
        guest_wat "$1"
    else
        c_fail "there is no test guest '$1'" "ls $guests/c $guests/wat"
    fi
}

if [ $# -gt 0 ]; then
    for name in "$@"; do guest "$name"; done
else
    for file in "$guests"/c/*.c "$guests"/wat/*.wat; do
        name=${file##*/}
        guest "${name%.*}"
    done
    guest http-wait
fi
